// What controls have set going.  All of them go this way, so that none is ever dead: while its task is under
// way a control says so and takes no second press, and what comes to nothing is told in words.

/** Why it did not happen, and what to do instead. */
export interface Failure {
  readonly text: string;
  /** What was to be copied, for who has to do that by hand. */
  readonly toCopy?: string;
}

/** What a control shows of its task; the style sheet makes it visible. */
export interface Marks {
  'aria-busy'?: boolean;
  'aria-describedby'?: string;
  'data-failed'?: boolean;
}

/** Of the element with the words. */
export const failureId = 'failure';

export const busy = (is: boolean): Marks => (is ? { 'aria-busy': true } : {});

export class Tasks {
  /** The latest; it stays until it is dismissed, its task is tried again, or another screen comes. */
  failed: (Failure & { readonly task: string }) | null = null;
  private readonly running = new Set<string>();

  constructor(private readonly changed: () => void) {}

  marks(task: string): Marks {
    if (this.running.has(task)) return busy(true);
    return this.failed?.task === task ? { 'aria-describedby': failureId, 'data-failed': true } : {};
  }

  /** `work` never rejects.  Whether it was done. */
  async run(task: string, work: () => Promise<Failure | null>): Promise<boolean> {
    if (this.running.has(task)) return false;
    this.running.add(task);
    if (this.failed?.task === task) this.failed = null;
    this.changed();
    const failure = await work();
    this.running.delete(task);
    if (failure) this.fail(task, failure);
    else this.changed();
    return failure === null;
  }

  fail(task: string, failure: Failure): void {
    this.failed = { task, ...failure };
    this.changed();
  }

  dismiss(): void {
    this.failed = null;
    this.changed();
  }
}
