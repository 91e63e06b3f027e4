// A harbour at dusk as a camera picture, in YUV4MPEG2, for a screenshot worth looking at.

import { writeFileSync } from 'node:fs';

const frames = 10;
const large = { width: 960, height: 540 };
/** For many people on a small machine. */
export const small = { width: 160, height: 90 };
let { width, height } = large;
const mix = (a, b, t) => a.map((v, i) => v + (b[i] - v) * Math.min(1, Math.max(0, t)));

function colourAt(x, y, phase, { high, low, sun, sunX, sea, deep, boatX }) {
  const horizon = 0.58;
  const boat = boatAt(x - boatX, y - horizon - Math.sin(phase * 2 * Math.PI) * 0.004);
  if (boat) return boat;
  if (y < horizon) {
    const distance = Math.hypot((x - sunX) * (width / height), y - 0.4);
    const hills = 0.5 + 0.05 * Math.sin(x * 5 + 1) + 0.025 * Math.sin(x * 13 + 2);
    if (y > hills + 0.03) return mix(sea, deep, 0.55);
    if (distance < 0.085) return sun;
    return mix(mix(high, low, y / horizon), sun, 0.35 - distance * 0.7);
  }
  const depth = (y - horizon) / (1 - horizon);
  const crest = Math.sin((y * 70 + Math.sin(x * 6 + y * 9) * 1.5 + phase) * 2 * Math.PI);
  const water = mix(sea, deep, depth);
  const glitter = Math.max(0, 0.55 - Math.abs(x - sunX) * (7 - 4 * depth)) * Math.max(0, crest) * (1 - depth * 0.6);
  return mix(mix(water, deep, crest * 0.06 + 0.05), sun, glitter);
}

/** A sloop, seen from the side; its waterline is y = 0. */
function boatAt(x, y) {
  if (y > -0.01 && y < 0.035 && Math.abs(x) < 0.085 - Math.max(0, y) * 0.9) return [44, 35, 46];
  if (Math.abs(x) < 0.0022 && y < 0 && y > -0.4) return [44, 35, 46];
  if (x > 0.008 && y < -0.035 && y > -0.38 && x < 0.008 + (y + 0.38) * 0.3) return [246, 238, 222];
  if (x < -0.008 && y < -0.045 && y > -0.33 && -x < 0.008 + (y + 0.33) * 0.26) return [214, 79, 58];
  return null;
}

export const dusk = {
  high: [58, 92, 140],
  low: [247, 183, 136],
  sun: [255, 224, 160],
  sunX: 0.3,
  sea: [128, 132, 158],
  deep: [26, 50, 82],
  boatX: 0.58,
};
export const morning = {
  high: [104, 168, 208],
  low: [226, 240, 236],
  sun: [255, 246, 214],
  sunX: 0.7,
  sea: [120, 182, 192],
  deep: [22, 92, 116],
  boatX: 0.42,
};

export function writeScene(file, palette, size = large) {
  ({ width, height } = size);
  const parts = [Buffer.from(`YUV4MPEG2 W${width} H${height} F10:1 Ip A1:1 C420jpeg\n`)];
  for (let frame = 0; frame < frames; frame += 1) {
    const luma = Buffer.alloc(width * height);
    const blue = Buffer.alloc((width * height) / 4);
    const red = Buffer.alloc((width * height) / 4);
    for (let row = 0; row < height; row += 1) {
      for (let column = 0; column < width; column += 1) {
        const [r, g, b] = colourAt(column / width, row / height, frame / frames, palette);
        luma[row * width + column] = 0.299 * r + 0.587 * g + 0.114 * b;
        if (row % 2 === 0 && column % 2 === 0) {
          const at = (row / 2) * (width / 2) + column / 2;
          blue[at] = 128 - 0.1687 * r - 0.3313 * g + 0.5 * b;
          red[at] = 128 + 0.5 * r - 0.4187 * g - 0.0813 * b;
        }
      }
    }
    parts.push(Buffer.from('FRAME\n'), luma, blue, red);
  }
  writeFileSync(file, Buffer.concat(parts));
}
