// One peer connection, from the first offer to its end: SDP, candidates, ICE restarts, statistics.
//
// The server says who makes the first offer.  From then on either side may offer, and when two offers
// cross, the impolite side's counts (perfect negotiation); the polite side is the one that did not
// begin.  Microphone and camera have their two places from the start, so that switching them on later
// asks for nothing; a shared screen gets places of its own, for as long as the connection lasts.
//
// An AppRTC client knows none of this: with one, only the side that began ever offers, and the screen
// takes the camera's place.

import { fileProtocol } from './files.ts';
import type { CandidateSignal, IceServer, Signal } from './wire.ts';
import { limitReceived, preferred, type Wishes } from './wishes.ts';
import { summarize, type Sample, type Stats } from './stats.ts';

export type LinkState = 'new' | 'connecting' | 'connected' | 'interrupted' | 'failed';

export interface LocalTracks {
  readonly audio: MediaStreamTrack | null;
  readonly video: MediaStreamTrack | null;
  readonly screen: MediaStreamTrack | null;
  readonly screenAudio: MediaStreamTrack | null;
}

export interface LinkOptions {
  readonly iceServers: readonly IceServer[];
  readonly wishes: Wishes;
  /** We begin. */
  readonly offer: boolean;
  readonly legacy: boolean;
}

export interface LinkOwner {
  send(signal: Signal): void;
  /** Whether signals get through: without a server nothing can be mended, so nothing has failed either. */
  online(): boolean;
  changed(): void;
  /** They opened a channel for a file. */
  channel(channel: RTCDataChannel): void;
}

type Kind = 'audio' | 'video';
const kinds: readonly Kind[] = ['audio', 'video'];

/** From both descriptions to a connection; a browser without any candidate never says "failed". */
const connectMs = 20_000;
/** A short interruption mends itself; a longer one deserves new candidates. */
const interruptionMs = 4_000;
/** Both sides see a broken connection; the polite one lets the other mend it first, or give up first, so
    that not both leave the room. */
const politenessMs = 3_000;
/** From a failure, or from the restart it caused, to giving up, and from there to the next try. */
const lastChanceMs = 15_000;

/** What one sender may use: everybody gets a copy, so many get small ones. */
export interface Limit {
  readonly scale: number;
  readonly bitrate: number;
  readonly framerate: number;
  readonly priority?: RTCPriorityType;
}

export function cameraLimit(others: number): Limit {
  if (others <= 1) return { scale: 1, bitrate: 2_500_000, framerate: 30 };
  if (others <= 3) return { scale: 2, bitrate: 800_000, framerate: 30 };
  if (others <= 5) return { scale: 3, bitrate: 400_000, framerate: 24 };
  return { scale: 4, bitrate: 250_000, framerate: 20 };
}

/** When there is too little for both, people would rather hear than see. */
const soundFirst: Partial<Limit> = { priority: 'high' };

/** Letters must stay sharp; they need not move fast. */
export function screenLimit(others: number): Limit {
  return { scale: 1, bitrate: Math.max(500_000, Math.round(4_000_000 / Math.max(1, others))), framerate: 15 };
}

/** The second field of the o= line names the peer connection that wrote the description. */
function sdpSession(sdp: string): string {
  return /^o=\S+ (\S+)/m.exec(sdp)?.[1] ?? '';
}

export class PeerLink {
  state: LinkState = 'new';
  /** Their microphone and camera. */
  readonly camera = new MediaStream();
  readonly screen = new MediaStream();

  private readonly pc: RTCPeerConnection;
  private readonly outgoing = new MediaStream(); // only its id matters: older clients wait for a stream
  private readonly outgoingScreen = new MediaStream();
  private readonly screenSenders = new Map<Kind, RTCRtpTransceiver>();
  private readonly early: RTCIceCandidateInit[] = []; // candidates that outran their description
  private work: Promise<void> = Promise.resolve();
  private begun = false; // the first offer was made or has come
  private others = 1;
  private closed = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private previous: Sample | null = null;

  constructor(
    private readonly options: LinkOptions,
    private tracks: LocalTracks,
    private readonly owner: LinkOwner,
  ) {
    this.pc = new RTCPeerConnection(this.configuration(options.iceServers));
    this.pc.onicecandidate = ({ candidate }) => this.found(candidate);
    this.pc.onconnectionstatechange = () => this.connectionChanged();
    this.pc.ontrack = ({ track }) => this.arrived(track);
    this.pc.ondatachannel = ({ channel }) => {
      if (channel.protocol === fileProtocol) this.owner.channel(channel);
      else channel.close();
    };
    this.pc.onnegotiationneeded = () => {
      if (this.begun && this.mayOffer) this.enqueue(() => this.offer());
    };
  }

  /** Makes the first offer. */
  start(): void {
    for (const kind of kinds) {
      this.prefer(this.pc.addTransceiver(this.main(kind) ?? kind, { direction: 'sendrecv', streams: [this.outgoing] }));
    }
    this.begun = true;
    this.enqueue(async () => {
      await this.sync();
      await this.offer();
    });
  }

  /** False for an offer of another SDP session: the other side started over. */
  belongs(signal: Signal): boolean {
    if (signal.type !== 'offer') return true;
    const known = this.pc.remoteDescription?.sdp;
    return known === undefined || sdpSession(known) === sdpSession(signal.sdp);
  }

  receive(signal: Signal): void {
    this.enqueue(() => {
      switch (signal.type) {
        case 'offer':
          return this.answer(signal.sdp);
        case 'answer':
          return this.accept(signal.sdp);
        case 'candidate':
          return this.add(signal);
      }
    });
  }

  setTracks(tracks: LocalTracks): void {
    this.tracks = tracks;
    if (this.begun) this.enqueue(() => this.sync());
  }

  /** How many others are sent to. */
  setOthers(others: number): void {
    if (this.others === others) return;
    this.others = others;
    if (this.begun) this.enqueue(() => this.applyLimits());
  }

  setIceServers(servers: readonly IceServer[]): void {
    this.pc.setConfiguration(this.configuration(servers));
  }

  /** Signals may have been lost: what waits for an answer is said again. */
  repeat(): void {
    this.enqueue(async () => {
      if (this.pc.signalingState === 'have-local-offer') this.sendLocal();
    });
  }

  /** The network changed or the server is back: looks for new ways now. */
  reconnect(): void {
    if (this.begun && this.state !== 'new') this.restart();
  }

  /** For one file; null where they know no files.  The first asks for an offer. */
  channel(): RTCDataChannel | null {
    if (this.options.legacy || this.closed) return null;
    return this.pc.createDataChannel('file', { protocol: fileProtocol });
  }

  async stats(): Promise<Stats> {
    const camera = this.transceiver('video')?.mid ?? null;
    const { stats, sample } = summarize(await this.pc.getStats(), this.previous, camera);
    this.previous = sample;
    return stats;
  }

  /** How loud they are now, in [0, 1]. */
  level(): number {
    const receiver = this.transceiver('audio')?.receiver;
    if (!receiver || this.state !== 'connected') return 0;
    return Math.max(0, ...receiver.getSynchronizationSources().map((source) => source.audioLevel ?? 0));
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.pc.onconnectionstatechange = null;
    this.pc.onicecandidate = null;
    this.pc.onnegotiationneeded = null;
    this.pc.ontrack = null;
    this.pc.ondatachannel = null;
    this.pc.close();
  }

  private configuration(servers: readonly IceServer[]): RTCConfiguration {
    return {
      iceServers: servers.map((server) => ({ ...server })),
      iceTransportPolicy: this.options.wishes.relayOnly ? 'relay' : 'all',
      bundlePolicy: 'max-bundle',
      rtcpMuxPolicy: 'require',
    };
  }

  private get mayOffer(): boolean {
    return this.options.offer || !this.options.legacy;
  }

  /** One step at a time: descriptions and candidates are applied in the order they came. */
  private enqueue(step: () => Promise<void>): void {
    this.work = this.work
      .then(() => (this.closed ? undefined : step()))
      .catch((error: unknown) => {
        if (this.closed) return;
        console.warn('negotiation:', error);
        this.fail();
      });
  }

  /** The first of a kind is the microphone's or the camera's, on both sides. */
  private transceiver(kind: Kind): RTCRtpTransceiver | undefined {
    return this.pc.getTransceivers().find((t) => t.receiver.track.kind === kind);
  }

  /** The order of codecs is what we would like to get; who is asked for nothing else sends that back, too. */
  private prefer(place: RTCRtpTransceiver): void {
    const kind = place.receiver.track.kind as Kind;
    const { receiveCodec, sendCodec } = this.options.wishes;
    const wished = receiveCodec[kind] ?? sendCodec[kind];
    const codecs = wished && RTCRtpReceiver.getCapabilities(kind)?.codecs;
    if (codecs) place.setCodecPreferences(preferred(codecs, wished));
  }

  private main(kind: Kind): MediaStreamTrack | null {
    const { audio, video, screen } = this.tracks;
    if (kind === 'audio') return audio;
    return this.options.legacy ? (screen ?? video) : video;
  }

  /** Everything we have is on its way; whether that needs an offer the browser knows. */
  private async sync(): Promise<void> {
    for (const kind of kinds) {
      const sender = this.transceiver(kind)?.sender;
      if (sender && sender.track !== this.main(kind)) await sender.replaceTrack(this.main(kind));
    }
    if (!this.options.legacy) {
      await this.share('video', this.tracks.screen);
      await this.share('audio', this.tracks.screenAudio);
    }
    await this.applyLimits();
  }

  private async share(kind: Kind, track: MediaStreamTrack | null): Promise<void> {
    const place = this.screenSenders.get(kind);
    if (place) {
      if (place.sender.track !== track) await place.sender.replaceTrack(track);
      place.direction = track ? 'sendonly' : 'inactive';
    } else if (track) {
      const init: RTCRtpTransceiverInit = { direction: 'sendonly', streams: [this.outgoingScreen] };
      this.screenSenders.set(kind, this.pc.addTransceiver(track, init));
    }
  }

  private async applyLimits(): Promise<void> {
    const { sendKbps, sendCodec } = this.options.wishes;
    const microphone = this.transceiver('audio')?.sender;
    const camera = this.transceiver('video')?.sender;
    const screen = this.screenSenders.get('video')?.sender;
    if (microphone) await tune(microphone, wishedLimit(soundFirst, sendKbps.audio, this.others), sendCodec.audio);
    if (camera) await tune(camera, wishedLimit(cameraLimit(this.others), sendKbps.video, this.others), sendCodec.video);
    if (screen) await tune(screen, screenLimit(this.others), null);
  }

  private async offer(): Promise<void> {
    if (this.pc.signalingState !== 'stable') return; // asked for again when it is
    await this.pc.setLocalDescription();
    this.sendLocal();
  }

  private async answer(sdp: string): Promise<void> {
    const crossed = this.pc.signalingState !== 'stable';
    if (crossed && this.options.offer) return; // the polite side takes its own back
    await this.pc.setRemoteDescription({ type: 'offer', sdp });
    if (!this.begun) {
      this.begun = true;
      for (const kind of kinds) {
        const place = this.transceiver(kind);
        if (!place) continue;
        place.direction = 'sendrecv';
        place.sender.setStreams?.(this.outgoing);
        this.prefer(place);
      }
    }
    await this.sync();
    await this.pc.setLocalDescription();
    this.sendLocal();
    this.described();
    await this.addEarly();
  }

  private async accept(sdp: string): Promise<void> {
    if (this.pc.signalingState !== 'have-local-offer') return;
    await this.pc.setRemoteDescription({ type: 'answer', sdp });
    await this.applyLimits(); // there are no encodings to limit before
    this.described();
    await this.addEarly();
  }

  private sendLocal(): void {
    const local = this.pc.localDescription;
    if (this.closed || !local || (local.type !== 'offer' && local.type !== 'answer')) return;
    this.owner.send({ type: local.type, sdp: limitReceived(local.sdp, this.options.wishes.receiveKbps) });
  }

  private found(candidate: RTCIceCandidate | null): void {
    if (!candidate || candidate.candidate === '') return; // AppRTC has no end-of-candidates
    if (candidate.protocol === 'tcp') return; // as AppRTC: nobody listens for it
    this.owner.send({
      type: 'candidate',
      label: candidate.sdpMLineIndex ?? 0,
      id: candidate.sdpMid ?? '',
      candidate: candidate.candidate,
    });
  }

  private async add({ candidate, label, id }: CandidateSignal): Promise<void> {
    this.early.push({ candidate, sdpMLineIndex: label, ...(id === '' ? {} : { sdpMid: id }) });
    if (this.pc.remoteDescription) await this.addEarly();
  }

  private async addEarly(): Promise<void> {
    for (const candidate of this.early.splice(0)) {
      // One that is refused, as those of an offer that was not taken, is not the end of a call.
      await this.pc.addIceCandidate(candidate).catch(() => {});
    }
  }

  /** A picture counts from its first frame on: an element that waits for one plays no sound either. */
  private arrived(track: MediaStreamTrack): void {
    const kind = track.kind as Kind;
    const stream = this.transceiver(kind)?.receiver.track === track ? this.camera : this.screen;
    const show = () => {
      for (const old of stream.getTracks()) {
        if (old.kind === kind && old !== track) stream.removeTrack(old);
      }
      stream.addTrack(track);
      this.owner.changed();
    };
    if (kind === 'audio' || !track.muted) show();
    track.onunmute = show;
  }

  /** Both have described themselves; after a restart media may still flow, which is no step back. */
  private described(): void {
    if (this.state === 'connected') return;
    if (this.state === 'new') {
      this.restartAfter(connectMs);
      this.progress('connecting');
    } else {
      this.failAfter(lastChanceMs);
    }
  }

  private progress(state: LinkState): void {
    if (this.state === state) return;
    this.state = state;
    this.owner.changed();
  }

  /** "connecting" is no news: it comes with every restart, and must not put off the end of waiting. */
  private connectionChanged(): void {
    switch (this.pc.connectionState) {
      case 'connected':
        clearTimeout(this.timer);
        this.progress('connected');
        break;
      case 'disconnected':
        this.progress('interrupted');
        this.restartAfter(interruptionMs + this.politeness);
        break;
      case 'failed':
        this.progress('interrupted');
        this.restartAfter(this.politeness);
        break;
      default:
        break;
    }
  }

  private restartAfter(milliseconds: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.restart(), milliseconds);
  }

  private failAfter(milliseconds: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.fail(), milliseconds + this.politeness);
  }

  private get politeness(): number {
    return this.options.offer ? 0 : politenessMs;
  }

  private restart(): void {
    this.failAfter(lastChanceMs);
    if (this.mayOffer) this.pc.restartIce();
  }

  /** Tells so, and goes on trying: networks change. */
  private fail(): void {
    if (this.pc.connectionState === 'connected') return; // the restart was only a change of networks
    this.restartAfter(lastChanceMs);
    if (this.owner.online()) this.progress('failed');
  }
}

/** Who asks for more may have it, where that is sent only once. */
export function wishedLimit(limit: Partial<Limit>, kbps: number | null, others: number): Partial<Limit> {
  if (kbps === null) return limit;
  const bitrate = kbps * 1000;
  return { ...limit, bitrate: others <= 1 ? bitrate : Math.min(bitrate, limit.bitrate ?? bitrate) };
}

/** Newer than TypeScript's own declaration. */
type Encoding = RTCRtpEncodingParameters & { codec?: RTCRtpCodecParameters };

async function tune(sender: RTCRtpSender, limit: Partial<Limit>, codecName: string | null): Promise<void> {
  const parameters = sender.getParameters();
  const encoding: Encoding | undefined = parameters.encodings?.[0];
  if (!encoding) return;
  const { scale, bitrate, framerate, priority } = limit;
  // Of those that were agreed on; there are none before.
  const codec = codecName === null ? undefined : preferred(parameters.codecs ?? [], codecName)[0];
  const found = codec?.mimeType.toLowerCase().endsWith(`/${codecName}`) ? codec : undefined;
  const isSo = encoding.maxBitrate === bitrate && encoding.codec?.mimeType === found?.mimeType;
  if (isSo && (priority === undefined || encoding.priority === priority)) return;
  if (scale !== undefined) encoding.scaleResolutionDownBy = scale;
  if (bitrate !== undefined) encoding.maxBitrate = bitrate;
  if (framerate !== undefined) encoding.maxFramerate = framerate;
  if (priority !== undefined) encoding.priority = priority;
  if (found) encoding.codec = found;
  // A browser that cannot be told sends what it thinks right.
  await sender.setParameters(parameters).catch(() => {});
}
