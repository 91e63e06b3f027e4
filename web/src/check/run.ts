// One run of the check: probes side by side where they do not disturb each other, each with its time, and
// everybody who looks is told of every step.

import { askForServers, endpointOf, relays, stunServers, transports, type Offer, type Transport } from '../ice.ts';
import { LocalMedia, watchLevel, type MediaProblem } from '../media.ts';
import { openLoop, reachStun, type Loop, type Reach } from '../probes.ts';
import { loadDevices } from '../stored.ts';
import { playTone } from '../tone.ts';
import type { IceServer } from '../wire.ts';
import { measure } from './measure.ts';
import { judge, untouched, type Facts, type NetworkStep, type Outcome, type Outcomes, type Step, type Trouble } from './outcome.ts';

const socketMs = 8_000;
const pictureMs = 5_000;
const soundMs = 3_000;
const loud = 0.05; // of watchLevel's scale: a quiet room is below, a breath above
const dark = 6; // of 255, the mean of a picture

type Result =
  | { readonly state: 'ok'; readonly facts?: Facts }
  | { readonly state: 'weak' | 'failed'; readonly why: Trouble; readonly facts?: Facts };

const ok = (facts?: Facts): Result => (facts ? { state: 'ok', facts } : { state: 'ok' });
const failed = (why: Trouble, facts?: Facts): Result => ({ state: 'failed', why, ...(facts ? { facts } : {}) });

const mediaTroubles: { readonly [code in MediaProblem['code']]: Trouble } = {
  'media-blocked': 'blocked',
  'media-busy': 'busy',
  'media-none': 'none',
  'media-ended': 'busy',
  'media-unavailable': 'insecure',
};

/** Says what no version of the server knows, and waits for the refusal: that is a whole round trip. */
function trySocket(): Promise<Result> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/v1/ws`);
    const finish = (result: Result) => {
      clearTimeout(timer);
      socket.close();
      resolve(result);
    };
    let asked = 0;
    const timer = setTimeout(() => finish(failed(asked > 0 ? 'mute' : 'no-answer')), socketMs);
    socket.onopen = () => {
      asked = performance.now();
      socket.send(JSON.stringify({ type: 'hello', version: 0 }));
    };
    socket.onmessage = () => finish(ok({ rttMs: performance.now() - asked }));
    socket.onclose = () => finish(failed(asked > 0 ? 'mute' : 'no-answer'));
  });
}

function reachResult(reach: Reach): Result {
  switch (reach.kind) {
    case 'reached':
      return ok(reach.address === '' ? undefined : { address: reach.address });
    case 'silent':
      return failed('no-answer');
    case 'refused':
      return failed('refused', { code: String(reach.code) });
  }
}

function shareAPlace(some: readonly IceServer[], others: readonly IceServer[]): boolean {
  const places = (servers: readonly IceServer[]) =>
    servers.flatMap(({ urls }) => urls.map(endpointOf).map(({ host, port }) => `${host}:${port}`));
  const known = places(others);
  return places(some).some((place) => known.includes(place));
}

function brightness(video: HTMLVideoElement): number {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [32, 18];
  const context = canvas.getContext('2d');
  if (!context) return 255;
  context.drawImage(video, 0, 0, canvas.width, canvas.height);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  let sum = 0;
  for (let i = 0; i < data.length; i += 4) sum += (data[i] ?? 0) + (data[i + 1] ?? 0) + (data[i + 2] ?? 0);
  return sum / ((data.length / 4) * 3);
}

async function watchPicture(track: MediaStreamTrack): Promise<Result> {
  const video = document.createElement('video');
  video.muted = true;
  video.playsInline = true;
  video.srcObject = new MediaStream([track]);
  const end = performance.now() + pictureMs;
  video.play().catch(() => {});
  // Cameras begin in the dark.
  while (performance.now() < end && (video.videoWidth === 0 || brightness(video) < dark)) await frame();
  const { videoWidth: width, videoHeight: height } = video;
  const seen = width > 0 && brightness(video) >= dark;
  video.srcObject = null;
  if (width === 0) return failed('busy');
  return seen ? ok({ width, height }) : { state: 'weak', why: 'black', facts: { width, height } };
}

/** Unlike a frame of the screen it also comes in a tab that nobody sees. */
const frame = () => new Promise<void>((resolve) => setTimeout(resolve, 50));

function listen(track: MediaStreamTrack): Promise<Result> {
  return new Promise((resolve) => {
    const finish = (result: Result) => {
      clearTimeout(timer);
      stop();
      resolve(result);
    };
    let heard = false; // anything at all, silence included
    const timer = setTimeout(() => finish(heard ? { state: 'weak', why: 'silent' } : ok()), soundMs);
    const stop = watchLevel(track, (level, awake) => {
      heard ||= awake;
      if (level > loud) finish(ok());
    });
  });
}

export type Speaker = 'idle' | 'playing' | 'asking';

export class Check {
  phase: 'ready' | 'running' | 'done' = 'ready';
  outcomes: Outcomes = untouched;
  servers: readonly IceServer[] = [];
  speaker: Speaker = 'idle';
  finishedAt: Date | null = null;

  private readonly choice = loadDevices();
  readonly media = new LocalMedia(this.choice, () => this.changed());
  private readonly listeners = new Set<() => void>();
  private readonly loops = new Map<Transport, Loop>();

  /** `token`: where calls are for those who were invited. */
  constructor(private readonly token: string | undefined) {}

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async run(): Promise<void> {
    if (this.phase === 'running') return;
    this.phase = 'running';
    const { speaker } = this.outcomes;
    this.outcomes = { ...untouched, speaker: speaker.state === 'waiting' ? { state: 'skipped', why: 'on-click' } : speaker };
    this.changed();
    await Promise.all([this.checkDevices(), this.checkNetwork()]);
    this.finishedAt = new Date();
    this.phase = 'done';
    this.changed();
  }

  async tone(): Promise<void> {
    if (this.speaker === 'playing') return;
    this.speaker = 'playing';
    this.changed();
    const played = await playTone(this.choice.speaker).then(
      () => true,
      () => false,
    );
    this.speaker = 'asking';
    if (played) this.changed();
    else this.heard(false);
  }

  heard(yes: boolean): void {
    this.speaker = 'idle';
    this.put('speaker', yes ? { state: 'ok', ms: 0 } : { state: 'failed', why: 'unheard', ms: 0 });
  }

  private async checkDevices(): Promise<void> {
    this.put('camera', { state: 'pending' });
    this.put('microphone', { state: 'pending' });
    await this.media.acquire();
    const { audio, video, problem } = this.media;
    const missing = failed(problem ? mediaTroubles[problem.code] : 'busy');
    await Promise.all([
      this.step('camera', async () => (video ? watchPicture(video) : missing)),
      this.step('microphone', async () => (audio ? listen(audio) : missing)),
    ]);
  }

  private async checkNetwork(): Promise<void> {
    const offer = await this.askServer();
    if (offer.kind !== 'servers') {
      for (const step of ['socket', 'stun', ...transports, 'quality'] as const) {
        this.put(step, { state: 'skipped', why: 'needs-server' });
      }
      return;
    }
    this.servers = offer.servers;
    try {
      const tried = new Map(transports.map((over) => [over, this.tryRelay(over, relays(offer.servers, over))]));
      await Promise.all([
        this.step('socket', trySocket),
        this.tryStun(stunServers(offer.servers), tried.get('udp')),
        ...tried.values(),
      ]);
      await this.checkQuality();
    } finally {
      for (const loop of this.loops.values()) loop.close();
      this.loops.clear();
    }
    await this.lookBack();
  }

  private async askServer(): Promise<Offer> {
    let offer: Offer = { kind: 'unreachable' };
    await this.step('server', async () => {
      if (!('RTCPeerConnection' in globalThis)) return failed('unsupported');
      offer = await askForServers(this.token);
      if (offer.kind === 'servers') return ok();
      return offer.kind === 'refused' ? failed('refused', { code: offer.code }) : failed('unreachable');
    });
    return offer;
  }

  /** Who has no NAT may wait in vain for a candidate; a relay over UDP answers by STUN, too. */
  private async tryStun(servers: readonly IceServer[], relay: Promise<void> | undefined): Promise<void> {
    await this.offered('stun', servers, async () => {
      const reach = await reachStun(servers);
      if (reach.kind !== 'silent') return reachResult(reach);
      await relay;
      return shareAPlace(servers, relays(this.servers, 'udp')) && this.loops.has('udp') ? ok() : reachResult(reach);
    });
  }

  private async tryRelay(over: Transport, servers: readonly IceServer[]): Promise<void> {
    await this.offered(over, servers, async () => {
      const result = await openLoop(servers);
      if (result.kind === 'loop') {
        this.loops.set(over, result.loop);
        return ok();
      }
      return result.kind === 'deaf' ? failed('not-relayed') : reachResult(result);
    });
  }

  private async checkQuality(): Promise<void> {
    const over = transports.find((each) => this.loops.has(each));
    const loop = over && this.loops.get(over);
    if (!loop) {
      this.put('quality', { state: 'skipped', why: 'needs-relay' });
      return;
    }
    await this.step('quality', async () => {
      try {
        const facts = { ...(await measure(loop)), over };
        const why = judge(facts);
        return why ? { state: 'weak', why, facts } : ok(facts);
      } catch {
        return failed('broken');
      }
    });
  }

  /** A server that went away meanwhile explains all that failed. */
  private async lookBack(): Promise<void> {
    const { server, ...others } = this.outcomes;
    const doubtful = Object.values(others).some(({ state }) => state === 'failed');
    if (server.state !== 'ok' || !doubtful) return;
    const offer = await askForServers(this.token);
    if (offer.kind === 'unreachable') this.put('server', { state: 'failed', why: 'lost', ms: server.ms });
  }

  private async offered(step: NetworkStep, servers: readonly IceServer[], probe: () => Promise<Result>): Promise<void> {
    if (servers.length === 0) this.put(step, { state: 'skipped', why: 'not-offered' });
    else await this.step(step, probe);
  }

  private async step(step: Step, probe: () => Promise<Result>): Promise<void> {
    this.put(step, { state: 'pending' });
    const start = performance.now();
    const result = await probe();
    this.put(step, { ...result, ms: Math.round(performance.now() - start) });
  }

  private put(step: Step, outcome: Outcome): void {
    this.outcomes = { ...this.outcomes, [step]: outcome };
    this.changed();
  }

  private changed(): void {
    for (const listener of this.listeners) listener();
  }
}
