// One's own camera and microphone: asking for them, doing without them, changing them.

export type MediaProblem =
  | { readonly code: 'media-blocked'; readonly what: Missing }
  | { readonly code: 'media-busy'; readonly what: Missing }
  | { readonly code: 'media-none'; readonly what: Missing }
  | { readonly code: 'media-ended'; readonly what: Missing }
  | { readonly code: 'media-unavailable'; readonly what: Missing };

/** Which devices the problem is about. */
export type Missing = 'camera' | 'microphone' | 'both';

export interface DeviceChoice {
  camera: string;
  microphone: string;
  speaker: string;
}

export type Kind = 'audio' | 'video';

function problemCode(error: unknown): MediaProblem['code'] {
  switch (error instanceof Error ? error.name : '') {
    case 'NotAllowedError':
    case 'SecurityError':
      return 'media-blocked';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'media-none';
    default:
      return 'media-busy';
  }
}

async function permission(kind: Kind): Promise<PermissionState | 'unknown'> {
  try {
    const name = (kind === 'video' ? 'camera' : 'microphone') as PermissionName;
    return (await navigator.permissions.query({ name })).state;
  } catch {
    return 'unknown'; // not every browser knows these names
  }
}

/** Whether asking now would show no prompt. */
export async function alreadyAllowed(): Promise<boolean> {
  return (await permission('video')) === 'granted' && (await permission('audio')) === 'granted';
}

export class LocalMedia {
  audio: MediaStreamTrack | null = null;
  video: MediaStreamTrack | null = null;
  problem: MediaProblem | null = null;
  micOn = true;
  cameraOn = true;
  /** The preview: a new object whenever its tracks change, so that views notice. */
  stream: MediaStream | null = null;

  /** What the browser was asked for and has not answered yet. */
  pending: ReadonlySet<Kind> = new Set();

  private asking: Promise<void> | null = null;
  /** One question at a time: phones open only one camera. */
  private work: Promise<void> = Promise.resolve();
  /** Changes when everything is let go: what was asked for before comes too late. */
  private stay = {};

  /** `capture`: what is asked of a device beside the usual; null for one that is not asked for by itself. */
  constructor(
    private readonly choice: DeviceChoice,
    private readonly changed: () => void,
    private readonly capture: { [kind in Kind]: MediaTrackConstraints | null } = { audio: {}, video: {} },
  ) {}

  get busy(): boolean {
    return this.pending.size > 0;
  }

  /** Resolves when we know what there is; never rejects, because a call without media is a call. */
  acquire(): Promise<void> {
    if (this.asking) return this.asking;
    const asking = this.enqueue(() => this.ask()).finally(() => {
      if (this.asking === asking) this.asking = null;
    });
    this.asking = asking;
    return asking;
  }

  /** Also where the address did not want it, or another one is being asked for. */
  async want(kind: Kind): Promise<void> {
    this.capture[kind] ??= {};
    if (this.asking && !this.pending.has(kind)) await this.asking;
    await this.acquire();
  }

  /** The problem has been read. */
  acknowledge(): void {
    this.problem = null;
    this.changed();
  }

  setMic(on: boolean): void {
    this.micOn = on;
    if (this.audio) this.audio.enabled = on;
    this.changed();
  }

  setCamera(on: boolean): void {
    this.cameraOn = on;
    if (this.video) this.video.enabled = on;
    this.changed();
  }

  /** Another device of one kind; the old one is let go first, because phones open only one camera. */
  change(kind: Kind, deviceId: string): Promise<void> {
    if (kind === 'video') this.choice.camera = deviceId;
    else this.choice.microphone = deviceId;
    this.capture[kind] ??= {};
    return this.enqueue(() => this.reopen(kind));
  }

  release(): void {
    this.stay = {};
    this.asking = null;
    this.drop('audio');
    this.drop('video');
    this.publish();
  }

  private enqueue(step: () => Promise<void>): Promise<void> {
    const { stay } = this;
    this.work = this.work.then(() => (stay === this.stay ? step() : undefined));
    return this.work;
  }

  private async reopen(kind: Kind): Promise<void> {
    this.drop(kind);
    this.wait([kind]);
    try {
      await this.take([kind]);
      this.problem = null;
    } catch (error) {
      this.problem = { code: problemCode(error), what: kind === 'video' ? 'camera' : 'microphone' };
    }
    this.publish();
  }

  private async ask(): Promise<void> {
    if (!navigator.mediaDevices?.getUserMedia) {
      this.problem = { code: 'media-unavailable', what: 'both' };
      this.changed();
      return;
    }
    const wanted: Kind[] = [];
    if (this.capture.audio && this.audio?.readyState !== 'live') wanted.push('audio');
    if (this.capture.video && this.video?.readyState !== 'live') wanted.push('video');
    if (wanted.length === 0) return;
    this.wait(wanted);
    try {
      await this.take(wanted);
      this.problem = null;
    } catch (error) {
      await this.askOneByOne(error, wanted);
    }
    this.publish();
  }

  private async askOneByOne(first: unknown, wanted: readonly Kind[]): Promise<void> {
    const failed: Kind[] = [];
    let last = first;
    for (const kind of wanted) {
      const blocked = problemCode(first) === 'media-blocked' && (await permission(kind)) !== 'granted';
      if (blocked || wanted.length === 1) {
        failed.push(kind); // asking again would only pester
        continue;
      }
      try {
        await this.take([kind]);
      } catch (error) {
        failed.push(kind);
        last = error;
      }
    }
    const what = failed.length === 2 ? 'both' : failed[0] === 'video' ? 'camera' : 'microphone';
    this.problem = failed.length === 0 ? null : { code: problemCode(last), what };
  }

  /** What comes after everything was let go is let go as well. */
  private async take(kinds: readonly Kind[]): Promise<void> {
    const { stay } = this;
    const stream = await this.open(kinds);
    if (stay === this.stay) this.keep(stream);
    else for (const track of stream.getTracks()) track.stop();
  }

  /** Exactly the devices that were chosen: as a mere wish they would be weighed against sizes and rates. */
  private async open(kinds: readonly Kind[]): Promise<MediaStream> {
    try {
      return await this.request(kinds, this.choice);
    } catch (error) {
      // One of them may be gone since it was remembered.
      if (!(error instanceof Error) || error.name !== 'OverconstrainedError') throw error;
      return this.request(kinds, { camera: '', microphone: '' });
    }
  }

  private request(kinds: readonly Kind[], chosen: Omit<DeviceChoice, 'speaker'>): Promise<MediaStream> {
    const id = (deviceId: string) => (deviceId === '' ? {} : { deviceId: { exact: deviceId } });
    return navigator.mediaDevices.getUserMedia({
      audio: kinds.includes('audio') && {
        ...id(chosen.microphone),
        echoCancellation: true,
        noiseSuppression: true,
        autoGainControl: true,
        ...this.capture.audio,
      },
      video: kinds.includes('video') && {
        ...id(chosen.camera),
        ...(chosen.camera === '' ? { facingMode: 'user' } : {}),
        width: { ideal: 1280 },
        height: { ideal: 720 },
        frameRate: { ideal: 30 },
        ...this.capture.video,
      },
    });
  }

  private keep(stream: MediaStream): void {
    for (const track of stream.getTracks()) {
      if (track.kind === 'audio') {
        this.audio = track;
        track.enabled = this.micOn;
      } else {
        this.video = track;
        track.enabled = this.cameraOn;
      }
      // Unplugged, or taken back in the browser's permission menu.
      track.onended = () => {
        const what = track.kind === 'video' ? 'camera' : 'microphone';
        this.problem = { code: 'media-ended', what };
        this.drop(track.kind as Kind);
        this.publish();
      };
    }
  }

  private drop(kind: Kind): void {
    const track = this[kind];
    if (!track) return;
    track.onended = null;
    track.stop();
    this[kind] = null;
  }

  private wait(kinds: readonly Kind[]): void {
    this.pending = new Set(kinds);
    this.changed();
  }

  private publish(): void {
    this.pending = new Set();
    const tracks = [this.audio, this.video].filter((t) => t !== null);
    this.stream = tracks.length > 0 ? new MediaStream(tracks) : null;
    this.changed();
  }
}

/**
 * Loudness in [0, 1], for a meter; calls back about 30 times a second until stopped.  `awake` is false while
 * the browser does not listen: before the first gesture, or for want of a loudspeaker.
 */
export function watchLevel(track: MediaStreamTrack, show: (level: number, awake: boolean) => void): () => void {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 512;
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const wake = () => void context.resume().catch(() => {});
  // Browsers keep a context silent until the first gesture.
  addEventListener('pointerdown', wake);
  addEventListener('keydown', wake);
  let level = 0;
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    let energy = 0;
    for (const sample of samples) energy += sample * sample;
    const decibel = 10 * Math.log10(energy / samples.length + 1e-9);
    const now = Math.min(1, Math.max(0, (decibel + 60) / 50));
    level = now > level ? now : level * 0.85 + now * 0.15;
    show(level, context.state === 'running');
  }, 33);
  return () => {
    clearInterval(timer);
    removeEventListener('pointerdown', wake);
    removeEventListener('keydown', wake);
    void context.close().catch(() => {});
  };
}
