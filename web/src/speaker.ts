// Who is speaking: the loudest, without flicker.  Levels come in some times a second.

const audible = 0.01;
/** How much louder somebody must be to take the word. */
const clearly = 1.4;
const holdMs = 1_500;
const quietMs = 1_200;

export class ActiveSpeaker {
  /** Who has the word, or had it last. */
  current: number | null = null;

  private readonly smooth = new Map<number, number>();
  private since = -Infinity;
  private heardAt = -Infinity;

  /** Null while nobody speaks. */
  update(levels: ReadonlyMap<number, number>, now: number): number | null {
    for (const id of this.smooth.keys()) if (!levels.has(id)) this.smooth.delete(id);
    for (const [id, level] of levels) this.smooth.set(id, ((this.smooth.get(id) ?? 0) + level) / 2);
    if (this.current !== null && !levels.has(this.current)) this.forget();

    const [loudest, level] = [...this.smooth].reduce((a, b) => (b[1] > a[1] ? b : a), [-1, 0]);
    const mine = this.smooth.get(this.current ?? -1) ?? 0;
    const held = now - this.since < holdMs;
    if (level >= audible && loudest !== this.current && !held && level > mine * clearly) {
      this.current = loudest;
      this.since = now;
    }
    if ((this.smooth.get(this.current ?? -1) ?? 0) >= audible) this.heardAt = now;
    return now - this.heardAt < quietMs ? this.current : null;
  }

  private forget(): void {
    this.current = null;
    this.since = -Infinity;
    this.heardAt = -Infinity;
  }
}
