// How good a line is: first at the pace of a call, for loss and delay, then as fast as it goes, for speed.
// The way out and the way back are one (probes.ts), so one clock tells both ends.

import type { Loop } from '../probes.ts';
import type { Facts } from './outcome.ts';

const size = 1_000; // bytes, as packets of video have
const perSecond = 100;
const paceMs = 1_500;
const rushMs = 1_500;
const stragglersMs = 1_000;
const mostRushed = 5_000; // messages, each of which goes up and comes down
const queued = 64 * size;

export class Broken extends Error {}

interface Paced {
  readonly lossPercent: number;
  readonly rttMs: number;
  readonly jitterMs: number;
}

const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

function median(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** The middle of the delays, and how far from it nine of ten are. */
function delays(all: readonly number[]): { rttMs: number; jitterMs: number } {
  const sorted = [...all].sort((a, b) => a - b);
  const rttMs = median(sorted);
  const late = sorted[Math.floor(sorted.length * 0.9)] ?? rttMs;
  return { rttMs: Math.round(rttMs * 10) / 10, jitterMs: Math.round((late - rttMs) * 10) / 10 };
}

async function atPace({ out, back }: Loop): Promise<Paced> {
  const arrivals: number[] = [];
  back.binaryType = 'arraybuffer';
  back.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
    arrivals.push(performance.now() - new DataView(data).getFloat64(0));
  };
  const count = (perSecond * paceMs) / 1000;
  const start = performance.now();
  let sent = 0;
  while (sent < count && out.readyState === 'open') {
    // Timers of browsers are coarse; what is due is sent together.
    const due = Math.min(count, Math.ceil(((performance.now() - start) * perSecond) / 1000));
    for (; sent < due; sent += 1) {
      const message = new DataView(new ArrayBuffer(size));
      message.setFloat64(0, performance.now());
      out.send(message);
    }
    await pause(10);
  }
  const patience = performance.now() + stragglersMs;
  while (arrivals.length < sent && performance.now() < patience) await pause(20);
  if (arrivals.length === 0 || sent < count) throw new Broken();
  return { lossPercent: Math.round((1 - arrivals.length / sent) * 1000) / 10, ...delays(arrivals) };
}

async function inARush({ out, back }: Loop): Promise<{ kbps: number; capped: boolean }> {
  let first = 0;
  let last = 0;
  let arrived = 0;
  back.onmessage = () => {
    last = performance.now();
    if (arrived === 0) first = last;
    arrived += 1;
  };
  const message = new Uint8Array(size);
  const end = performance.now() + rushMs;
  let sent = 0;
  while (sent < mostRushed && performance.now() < end && out.readyState === 'open') {
    while (sent < mostRushed && out.bufferedAmount < queued) {
      out.send(message);
      sent += 1;
    }
    await pause(0);
  }
  const patience = performance.now() + stragglersMs;
  while (arrived < sent && performance.now() < patience) await pause(20);
  if (arrived < 2) throw new Broken();
  // The first only starts the clock.
  const kbps = ((arrived - 1) * size * 8) / Math.max(1, last - first);
  return { kbps: Math.round(kbps), capped: sent === mostRushed && arrived > sent * 0.9 };
}

/** Throws `Broken` when the line ends before the measurement does. */
export async function measure(loop: Loop): Promise<Facts> {
  const paced = await atPace(loop);
  return { ...paced, ...(await inARush(loop)) };
}
