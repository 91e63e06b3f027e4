// One peer connection, from the first offer to its end: SDP, candidates, one ICE restart, statistics.
// Only the initiator offers, so there is no glare.  A new other side is a new PeerLink: an offer that
// belongs to another SDP session is for the caller to answer with a fresh one.

import type { Message } from './protocol.ts';
import { summarize, type Sample, type Stats } from './stats.ts';

export type LinkState = 'new' | 'connecting' | 'connected' | 'interrupted' | 'failed';

/** What the two pages tell each other beside the media; other clients never send it. */
export interface Presence {
  readonly name: string;
  readonly mic: boolean;
  readonly camera: boolean;
}

export interface LocalTracks {
  readonly audio: MediaStreamTrack | null;
  readonly video: MediaStreamTrack | null;
}

export interface LinkOwner {
  send(message: Message): void;
  /** The channel for written words, made or found. */
  chat(channel: RTCDataChannel): void;
  changed(): void;
}

type Kind = 'audio' | 'video';
const kinds: readonly Kind[] = ['audio', 'video'];

/** From both descriptions to a connection; a browser without any candidate never says "failed". */
const connectMs = 20_000;
/** A short interruption mends itself; a longer one deserves new candidates. */
const interruptionMs = 4_000;
/** From a failure, or from the restart it caused, to giving up. */
const lastChanceMs = 15_000;
const longestName = 60;
const newsLabel = 'ahoy';
const chatLabel = 'ahoy-chat';

function parseNews(text: unknown): Presence | 'renegotiate' | null {
  if (typeof text !== 'string' || text.length > 1024) return null;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return null;
    const { name, mic, camera, renegotiate } = value as { readonly [key: string]: unknown };
    if (renegotiate === true) return 'renegotiate';
    return {
      name: typeof name === 'string' ? name.trim().slice(0, longestName) : '',
      mic: mic !== false,
      camera: camera !== false,
    };
  } catch {
    return null;
  }
}

/** The second field of the o= line names the peer connection that wrote the description. */
function sdpSession(sdp: string): string {
  return /^o=\S+ (\S+)/m.exec(sdp)?.[1] ?? '';
}

export class PeerLink {
  state: LinkState = 'new';
  presence: Presence | null = null;
  readonly remote = new MediaStream();

  private readonly pc: RTCPeerConnection;
  private readonly outgoing = new MediaStream(); // only its id matters: older pages wait for a stream
  private readonly early: RTCIceCandidateInit[] = []; // candidates that outran their description
  private work: Promise<void> = Promise.resolve();
  private news: RTCDataChannel | null = null;
  private closed = false;
  private restarted = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private previous: Sample | null = null;

  constructor(
    config: RTCConfiguration,
    private tracks: LocalTracks,
    private me: Presence,
    private readonly initiator: boolean,
    private readonly owner: LinkOwner,
  ) {
    this.pc = new RTCPeerConnection({ ...config, bundlePolicy: 'max-bundle', rtcpMuxPolicy: 'require' });
    this.pc.onicecandidate = ({ candidate }) => this.found(candidate);
    this.pc.onconnectionstatechange = () => this.connectionChanged();
    this.pc.ontrack = ({ track }) => this.arrived(track);
    this.pc.ondatachannel = ({ channel }) => {
      if (channel.label === chatLabel) this.owner.chat(channel);
      else if (channel.label === newsLabel) this.watch(channel);
    };
  }

  /** Initiator only. */
  start(): void {
    for (const kind of kinds) {
      const track = this.tracks[kind];
      this.pc.addTransceiver(track ?? kind, {
        direction: track ? 'sendrecv' : 'recvonly',
        streams: [this.outgoing],
      });
    }
    this.watch(this.pc.createDataChannel(newsLabel));
    this.owner.chat(this.pc.createDataChannel(chatLabel));
    this.enqueue(() => this.offer(false));
  }

  /** False for an offer of another session: the other side started over. */
  belongs(message: Message): boolean {
    if (message.type !== 'offer' || this.initiator) return true;
    const known = this.pc.remoteDescription?.sdp;
    return known === undefined || sdpSession(known) === sdpSession(message.sdp);
  }

  receive(message: Message): void {
    this.enqueue(async () => {
      switch (message.type) {
        case 'offer':
          if (!this.initiator) await this.answer(message.sdp);
          break;
        case 'answer':
          if (this.pc.signalingState !== 'have-local-offer') break;
          await this.pc.setRemoteDescription({ type: 'answer', sdp: message.sdp });
          this.progress('connecting');
          await this.addEarly();
          break;
        case 'candidate':
          await this.add({
            candidate: message.candidate,
            sdpMLineIndex: message.label,
            ...(message.id === '' ? {} : { sdpMid: message.id }),
          });
          break;
        case 'bye':
          break; // the owner's matter
      }
    });
  }

  /** Another camera, or none any more.  A kind that was not there before needs a new offer. */
  setTracks(tracks: LocalTracks): void {
    this.tracks = tracks;
    this.enqueue(async () => {
      let renegotiate = false;
      for (const kind of kinds) {
        const transceiver = this.transceiver(kind);
        if (!transceiver) continue;
        await transceiver.sender.replaceTrack(tracks[kind]);
        if (tracks[kind] && !transceiver.direction.includes('send')) {
          transceiver.direction = 'sendrecv';
          renegotiate = true;
        }
      }
      if (renegotiate) await this.renegotiate();
    });
  }

  setPresence(me: Presence): void {
    this.me = me;
    this.announce();
  }

  async stats(): Promise<Stats> {
    const { stats, sample } = summarize(await this.pc.getStats(), this.previous);
    this.previous = sample;
    return stats;
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.pc.onconnectionstatechange = null;
    this.pc.onicecandidate = null;
    this.pc.ontrack = null;
    this.pc.close();
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

  private transceiver(kind: Kind): RTCRtpTransceiver | undefined {
    return this.pc.getTransceivers().find((t) => t.receiver.track.kind === kind);
  }

  private async offer(iceRestart: boolean): Promise<void> {
    await this.pc.setLocalDescription(await this.pc.createOffer({ iceRestart }));
    this.sendLocal();
  }

  private async answer(sdp: string): Promise<void> {
    await this.pc.setRemoteDescription({ type: 'offer', sdp });
    for (const kind of kinds) {
      const track = this.tracks[kind];
      const transceiver = this.transceiver(kind);
      if (track && transceiver && !transceiver.sender.track) this.pc.addTrack(track, this.outgoing);
    }
    await this.pc.setLocalDescription(await this.pc.createAnswer());
    this.sendLocal();
    this.progress('connecting');
    await this.addEarly();
  }

  private async renegotiate(): Promise<void> {
    if (!this.initiator) this.tell({ renegotiate: true });
    else if (this.pc.signalingState === 'stable') await this.offer(false);
  }

  private sendLocal(): void {
    const local = this.pc.localDescription;
    if (this.closed || !local || (local.type !== 'offer' && local.type !== 'answer')) return;
    this.owner.send({ type: local.type, sdp: local.sdp });
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

  private async add(candidate: RTCIceCandidateInit): Promise<void> {
    if (!this.pc.remoteDescription) {
      this.early.push(candidate);
      return;
    }
    try {
      await this.pc.addIceCandidate(candidate);
    } catch (error) {
      console.warn('candidate refused:', error); // one bad candidate is not the end of a call
    }
  }

  private async addEarly(): Promise<void> {
    for (const candidate of this.early.splice(0)) await this.add(candidate);
  }

  private arrived(track: MediaStreamTrack): void {
    for (const old of this.remote.getTracks()) {
      if (old.kind === track.kind && old !== track) this.remote.removeTrack(old);
    }
    this.remote.addTrack(track);
    this.owner.changed();
  }

  private watch(channel: RTCDataChannel): void {
    this.news = channel;
    channel.onopen = () => this.announce();
    channel.onmessage = ({ data }: MessageEvent<unknown>) => {
      const news = parseNews(data);
      if (news === null) return;
      if (news === 'renegotiate') {
        if (this.initiator) this.enqueue(() => this.renegotiate());
        return;
      }
      this.presence = news;
      this.owner.changed();
    };
  }

  private announce(): void {
    this.tell(this.me);
  }

  private tell(news: Presence | { readonly renegotiate: true }): void {
    if (this.news?.readyState === 'open') this.news.send(JSON.stringify(news));
  }

  private progress(state: LinkState): void {
    // A restart renegotiates while media still flow: that is no step back.
    if (state === 'connecting' && this.state !== 'new') return;
    if (this.state === state) return;
    if (state === 'connecting') this.timer = setTimeout(() => this.restart(), connectMs);
    this.state = state;
    this.owner.changed();
  }

  private fail(): void {
    clearTimeout(this.timer);
    this.progress('failed');
  }

  private connectionChanged(): void {
    switch (this.pc.connectionState) {
      case 'connected':
        clearTimeout(this.timer);
        this.restarted = false;
        this.progress('connected');
        break;
      case 'disconnected':
        this.progress('interrupted');
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.restart(), interruptionMs);
        break;
      case 'failed':
        this.progress('interrupted');
        this.restart();
        break;
      default:
        break;
    }
  }

  /** The initiator offers new candidates, once; the other side waits for that offer. */
  private restart(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.fail(), lastChanceMs);
    if (!this.initiator || this.restarted) return;
    this.restarted = true;
    this.enqueue(() => this.offer(true));
  }
}
