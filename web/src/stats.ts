// What a person wants to know of getStats(): the path, the delay, the rates, the pictures.

export interface Stats {
  readonly localType: string; // host, srflx, prflx, relay
  readonly remoteType: string;
  /** With the port; '' where the browser keeps them to itself. */
  readonly localAddress: string;
  readonly remoteAddress: string;
  readonly protocol: string; // udp, or tcp and tls towards the relay
  readonly relayed: boolean;
  readonly rttMs: number | null;
  readonly jitterMs: number | null;
  readonly sendKbps: number | null;
  readonly receiveKbps: number | null;
  /** Of what they send, and of what we do, as far as they tell. */
  readonly lossPercent: number | null;
  readonly sentLossPercent: number | null;
  readonly sent: Picture | null;
  readonly received: Picture | null;
  readonly screenSent: Picture | null;
  readonly screenReceived: Picture | null;
  readonly sentAudioCodec: string;
  readonly audioCodec: string;
}

export type Quality = 'good' | 'fair' | 'poor';

export function quality({ rttMs, lossPercent }: Pick<Stats, 'rttMs' | 'lossPercent'>): Quality {
  const trouble = Math.max((rttMs ?? 0) / 250, (lossPercent ?? 0) / 4);
  return trouble > 2 ? 'poor' : trouble > 1 ? 'fair' : 'good';
}

/** Who has the weak line: oneself, or these. */
export interface WeakSide {
  readonly ours: boolean;
  readonly theirs: ReadonlySet<number>;
}

/** Where several lines are weak and none is not, it is what they have in common. */
export function weakSide(lines: ReadonlyMap<number, boolean>, offline: boolean): WeakSide {
  const weak = [...lines].filter(([, isWeak]) => isWeak).map(([id]) => id);
  const ours = offline || (weak.length > 1 && weak.length === lines.size);
  return { ours, theirs: new Set(ours ? [] : weak) };
}

export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly codec: string;
  /** Decoded, or encoded. */
  readonly frames: number;
  /** Came too late, or were more than could be decoded. */
  readonly dropped: number;
  /** Why it is not better: bandwidth or cpu. */
  readonly limit: string;
}

/** The counters of one moment, to take the difference to the next. */
export interface Sample {
  readonly at: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly packets: number;
  readonly lost: number;
}

type Entry = { readonly [key: string]: unknown };

const number = (value: unknown): number => (typeof value === 'number' ? value : 0);
const word = (value: unknown): string => (typeof value === 'string' ? value : '');
const milliseconds = (seconds: unknown) => (typeof seconds === 'number' ? Math.round(seconds * 1000) : null);
const percent = (part: number) => Math.round(part * 1000) / 10;

function selectedPair(entries: readonly Entry[], byId: ReadonlyMap<string, Entry>): Entry | undefined {
  const transport = entries.find((e) => e.type === 'transport' && word(e.selectedCandidatePairId));
  return (
    (transport && byId.get(word(transport.selectedCandidatePairId))) ??
    entries.find((e) => e.type === 'candidate-pair' && e.selected === true) ??
    entries.find((e) => e.type === 'candidate-pair' && e.nominated === true && e.state === 'succeeded')
  );
}

function addressOf(candidate: Entry | undefined): string {
  const address = word(candidate?.address);
  if (address === '') return '';
  return `${address.includes(':') ? `[${address}]` : address}:${number(candidate?.port)}`;
}

/** Video is the camera's in the m-section `cameraMid`, and a screen's in another. */
export function summarize(
  report: Iterable<readonly [string, unknown]>,
  previous: Sample | null,
  cameraMid: string | null = null,
): { stats: Stats; sample: Sample } {
  const byId = new Map<string, Entry>();
  for (const [id, entry] of report) byId.set(id, entry as Entry);
  const entries = [...byId.values()];

  const pair = selectedPair(entries, byId);
  const local = byId.get(word(pair?.localCandidateId));
  const remote = byId.get(word(pair?.remoteCandidateId));
  const inbound = entries.filter((e) => e.type === 'inbound-rtp');
  const outbound = entries.filter((e) => e.type === 'outbound-rtp');
  const theirReports = entries.filter((e) => e.type === 'remote-inbound-rtp');
  const sum = (list: readonly Entry[], key: string) => list.reduce((n, e) => n + number(e[key]), 0);

  const sample: Sample = {
    at: number(pair?.timestamp ?? entries[0]?.timestamp),
    bytesSent: sum(outbound, 'bytesSent'),
    bytesReceived: sum(inbound, 'bytesReceived'),
    packets: sum(inbound, 'packetsReceived'),
    lost: sum(inbound, 'packetsLost'),
  };
  const seconds = previous ? (sample.at - previous.at) / 1000 : 0;
  const rate = (now: number, before: number) =>
    seconds > 0 ? Math.max(0, Math.round(((now - before) * 8) / 1000 / seconds)) : null;
  const lost = previous ? Math.max(0, sample.lost - previous.lost) : 0;
  const expected = previous ? sample.packets - previous.packets + lost : 0;

  const codec = (e: Entry | undefined) => word(byId.get(word(e?.codecId))?.mimeType).split('/')[1] ?? '';
  const isCamera = (e: Entry) => cameraMid === null || e.mid === undefined || e.mid === cameraMid;
  const picture = (list: readonly Entry[], camera: boolean): Picture | null => {
    const [video] = list
      .filter((e) => e.kind === 'video' && number(e.frameWidth) > 0 && isCamera(e) === camera)
      .sort((a, b) => number(b.frameWidth) - number(a.frameWidth));
    if (!video) return null;
    const limit = word(video.qualityLimitationReason);
    return {
      width: number(video.frameWidth),
      height: number(video.frameHeight),
      fps: Math.round(number(video.framesPerSecond)),
      codec: codec(video),
      frames: number(video.framesDecoded ?? video.framesEncoded),
      dropped: number(video.framesDropped),
      limit: limit === 'none' ? '' : limit,
    };
  };
  const audio = (list: readonly Entry[]) => list.find((e) => e.kind === 'audio');
  const losses = theirReports.map((e) => e.fractionLost).filter((f) => typeof f === 'number');

  const localType = word(local?.candidateType);
  const remoteType = word(remote?.candidateType);
  return {
    sample,
    stats: {
      localType,
      remoteType,
      localAddress: addressOf(local),
      remoteAddress: addressOf(remote),
      protocol: word(local?.relayProtocol) || word(local?.protocol),
      relayed: localType === 'relay' || remoteType === 'relay',
      rttMs: milliseconds(pair?.currentRoundTripTime ?? theirReports.find((e) => number(e.roundTripTime) > 0)?.roundTripTime),
      // Of the sound, which is what one hears of it; pictures bunch up when they are large.
      jitterMs: milliseconds((audio(inbound) ?? inbound[0])?.jitter),
      sendKbps: previous ? rate(sample.bytesSent, previous.bytesSent) : null,
      receiveKbps: previous ? rate(sample.bytesReceived, previous.bytesReceived) : null,
      lossPercent: expected > 0 ? percent(lost / expected) : null,
      sentLossPercent: losses.length > 0 ? percent(Math.max(...losses)) : null,
      sent: picture(outbound, true),
      received: picture(inbound, true),
      screenSent: picture(outbound, false),
      screenReceived: picture(inbound, false),
      sentAudioCodec: codec(audio(outbound)),
      audioCodec: codec(audio(inbound)),
    },
  };
}

// ---- the last minute

/** A reading a second. */
const mostReadings = 60;

export function remember(history: readonly Stats[], now: Stats): readonly Stats[] {
  return [...history, now].slice(-mostReadings);
}

export interface Range {
  readonly now: number | null;
  readonly least: number;
  readonly most: number;
}

/** Null while nothing is known. */
export function range(values: readonly (number | null)[]): Range | null {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return null;
  return { now: values.at(-1) ?? null, least: Math.min(...known), most: Math.max(...known) };
}

/** The `d` of an SVG path: a minute is as wide as the box, now is at its right edge, and gaps are gaps.
    `least` is the smallest maximum, so that a quiet line lies flat instead of trembling. */
export function curve(values: readonly (number | null)[], width: number, height: number, least: number): string {
  const top = Math.max(least, ...values.map((value) => value ?? 0));
  const step = width / (mostReadings - 1);
  const two = (n: number) => String(Math.round(n * 100) / 100);
  let pen = 'M';
  let path = '';
  values.forEach((value, i) => {
    if (value === null) {
      pen = 'M';
      return;
    }
    const x = width - (values.length - 1 - i) * step;
    path += `${pen}${two(x)} ${two(height - (value / top) * height)}`;
    pen = 'L';
  });
  return path;
}

// ---- addresses

/** Enough to see which network it is, not who. */
export function masked(address: string): string {
  const parts = /^\[(.*)\]:\d+$/.exec(address) ?? /^(.*):\d+$/.exec(address);
  const host = parts?.[1] ?? address;
  if (host === '') return '';
  if (host.includes(':')) return `${host.split(':').slice(0, 2).join(':')}:…`;
  if (/^\d+(\.\d+){3}$/.test(host)) return `${host.split('.').slice(0, 2).join('.')}.…`;
  return '….local'; // a name that the browser made up (mDNS)
}
