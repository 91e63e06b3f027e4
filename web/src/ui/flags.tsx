// The international maritime signal flags, A to Z: the page's own alphabet.  They spell the name in
// the mark and stand for a person whose camera is off.

import type { JSX } from 'preact';

const R = '#d9412f';
const B = '#1c5aa6';
const Y = '#f7c744';
const W = '#fdfdfa';
const K = '#18222c';

type Piece = readonly [colour: string, path: string];

const box = (x: number, y: number, w: number, h: number) => `M${x} ${y}h${w}v${h}h-${w}z`;
const whole = box(0, 0, 60, 60);
const columns = (...colours: string[]): Piece[] =>
  colours.map((c, i) => [c, box((i * 60) / colours.length, 0, 60 / colours.length, 60)]);
const rows = (...colours: string[]): Piece[] =>
  colours.map((c, i) => [c, box(0, (i * 60) / colours.length, 60, 60 / colours.length)]);
const centre = (size: number) => box(30 - size / 2, 30 - size / 2, size, size);
const saltire = 'M0 0h11L30 19 49 0h11v11L41 30l19 19v11H49L30 41 11 60H0V49l19-19L0 11z';
const cross = 'M24 0h12v24h24v12H36v24H24V36H0V24h24z';
const quarters = (a: string, b: string, c: string, d: string): Piece[] => [
  [a, box(0, 0, 30, 30)],
  [b, box(30, 0, 30, 30)],
  [c, box(0, 30, 30, 30)],
  [d, box(30, 30, 30, 30)],
];

const flags: { readonly [letter: string]: readonly Piece[] } = {
  A: [[W, box(0, 0, 30, 60)], [B, 'M30 0h30L45 30l15 30H30z']],
  B: [[R, 'M0 0h60L45 30l15 30H0z']],
  C: rows(B, W, R, W, B),
  D: [[Y, whole], [B, box(0, 15, 60, 30)]],
  E: rows(B, R),
  F: [[W, whole], [R, 'M30 0l30 30-30 30L0 30z']],
  G: columns(Y, B, Y, B, Y, B),
  H: columns(W, R),
  I: [[Y, whole], [K, 'M30 15a15 15 0 1 1 0 30 15 15 0 0 1 0-30z']],
  J: rows(B, W, B),
  K: columns(Y, B),
  L: quarters(Y, K, K, Y),
  M: [[B, whole], [W, saltire]],
  N: [
    [W, whole],
    [B, [0, 1, 2, 3].map((r) => box((r % 2) * 15, r * 15, 15, 15) + box((r % 2) * 15 + 30, r * 15, 15, 15)).join('')],
  ],
  O: [[Y, whole], [R, 'M0 0h60v60z']],
  P: [[B, whole], [W, centre(24)]],
  Q: [[Y, whole]],
  R: [[R, whole], [Y, cross]],
  S: [[W, whole], [B, centre(24)]],
  T: columns(R, W, B),
  U: quarters(R, W, W, R),
  V: [[W, whole], [R, saltire]],
  W: [[B, whole], [W, centre(40)], [R, centre(20)]],
  X: [[W, whole], [B, cross]],
  Y: [[Y, whole], [R, 'M12 0h12L0 24V12zM36 0h12L0 48V36zM60 0v12L12 60H0zM60 24v12L36 60H24zM60 48v12H48z']],
  Z: [[K, 'M0 0l30 30L0 60z'], [Y, 'M0 0h60L30 30z'], [B, 'M60 0v60L30 30z'], [R, 'M0 60l30-30 30 30z']],
};

export function Flag({ letter }: { letter: string }): JSX.Element {
  return (
    <svg class="flag" viewBox="0 0 60 60" aria-hidden="true" focusable="false">
      {(flags[letter] ?? []).map(([fill, d]) => (
        <path key={d} fill={fill} d={d} />
      ))}
    </svg>
  );
}

/** Up to `most` letters of a text, as a row of flags. */
export function Hoist({ text, most = 4 }: { text: string; most?: number }): JSX.Element {
  const letters = [...text.normalize('NFD').toUpperCase()].filter((c) => c in flags).slice(0, most);
  return (
    <span class="hoist" aria-hidden="true">
      {(letters.length > 0 ? letters : ['A']).map((letter, i) => (
        <Flag key={i} letter={letter} />
      ))}
    </span>
  );
}

/** The initials of a name: two flags at most. */
export const initials = (name: string): string =>
  name
    .split(/\s+/)
    .map((word) => word.charAt(0))
    .join('')
    .slice(0, 2);

export const Brand = () => (
  <span class="brand">
    <Hoist text="AHOY" />
    <span class="brand-name">Ahoy</span>
  </span>
);
