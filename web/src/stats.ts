// What a person wants to know of getStats(): the route, the delay, the rates, the picture.

export interface Stats {
  readonly localType: string; // host, srflx, prflx, relay
  readonly remoteType: string;
  readonly protocol: string; // udp, or tcp and tls towards the relay
  readonly relayed: boolean;
  readonly rttMs: number | null;
  readonly sendKbps: number | null;
  readonly receiveKbps: number | null;
  readonly lossPercent: number | null;
  readonly sent: Picture | null;
  readonly received: Picture | null;
  readonly audioCodec: string;
}

export type Quality = 'good' | 'fair' | 'poor';

export function quality({ rttMs, lossPercent }: Stats): Quality {
  const trouble = Math.max((rttMs ?? 0) / 250, (lossPercent ?? 0) / 4);
  return trouble > 2 ? 'poor' : trouble > 1 ? 'fair' : 'good';
}

export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly codec: string;
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

function selectedPair(entries: readonly Entry[], byId: ReadonlyMap<string, Entry>): Entry | undefined {
  const transport = entries.find((e) => e.type === 'transport' && word(e.selectedCandidatePairId));
  return (
    (transport && byId.get(word(transport.selectedCandidatePairId))) ??
    entries.find((e) => e.type === 'candidate-pair' && e.selected === true) ??
    entries.find((e) => e.type === 'candidate-pair' && e.nominated === true && e.state === 'succeeded')
  );
}

export function summarize(
  report: Iterable<readonly [string, unknown]>,
  previous: Sample | null,
): { stats: Stats; sample: Sample } {
  const byId = new Map<string, Entry>();
  for (const [id, entry] of report) byId.set(id, entry as Entry);
  const entries = [...byId.values()];

  const pair = selectedPair(entries, byId);
  const local = byId.get(word(pair?.localCandidateId));
  const remote = byId.get(word(pair?.remoteCandidateId));
  const inbound = entries.filter((e) => e.type === 'inbound-rtp');
  const outbound = entries.filter((e) => e.type === 'outbound-rtp');
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
  const picture = (list: readonly Entry[]): Picture | null => {
    const video = list
      .filter((e) => e.kind === 'video' && number(e.frameWidth) > 0)
      .sort((a, b) => number(b.frameWidth) - number(a.frameWidth))[0];
    return video
      ? {
          width: number(video.frameWidth),
          height: number(video.frameHeight),
          fps: Math.round(number(video.framesPerSecond)),
          codec: codec(video),
        }
      : null;
  };

  const localType = word(local?.candidateType);
  const remoteType = word(remote?.candidateType);
  return {
    sample,
    stats: {
      localType,
      remoteType,
      protocol: word(local?.relayProtocol) || word(local?.protocol),
      relayed: localType === 'relay' || remoteType === 'relay',
      rttMs:
        typeof pair?.currentRoundTripTime === 'number'
          ? Math.round(pair.currentRoundTripTime * 1000)
          : null,
      sendKbps: previous ? rate(sample.bytesSent, previous.bytesSent) : null,
      receiveKbps: previous ? rate(sample.bytesReceived, previous.bytesReceived) : null,
      lossPercent: expected > 0 ? Math.round((lost / expected) * 1000) / 10 : null,
      sent: picture(outbound),
      received: picture(inbound),
      audioCodec: codec(inbound.find((e) => e.kind === 'audio')),
    },
  };
}
