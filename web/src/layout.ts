// Where everybody is on the screen.  Pure geometry: the same people in the same space always get the
// same places, so nothing jumps.

export interface Size {
  readonly width: number;
  readonly height: number;
}
export interface Box extends Size {
  readonly left: number;
  readonly top: number;
}
export interface Tiles extends Size {
  readonly columns: number;
  readonly rows: number;
}

export const gap = 10;
/** A camera's picture; a phone's is upright, and nobody loses their head to a little cropping. */
const widest = 16 / 9;
const narrowest = (space: Size) => (space.width < space.height ? 3 / 4 : 4 / 3);

/** The columns and rows that make the pictures largest. */
export function tiles(width: number, height: number, count: number): Tiles {
  let best: Tiles = { columns: 1, rows: Math.max(1, count), width: 0, height: 0 };
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const tile = fit((width - gap * (columns - 1)) / columns, (height - gap * (rows - 1)) / rows, narrowest({ width, height }));
    if (tile.width * tile.height > best.width * best.height) best = { columns, rows, ...tile };
  }
  return best;
}

function fit(width: number, height: number, narrow: number): Size {
  return {
    width: Math.max(0, Math.floor(Math.min(width, height * widest))),
    height: Math.max(0, Math.floor(Math.min(height, width / narrow))),
  };
}

/** Centred; a last row that is not full is centred too. */
export function grid(area: Box, count: number): Box[] {
  const { columns, rows, width, height } = tiles(area.width, area.height, count);
  const top = area.top + (area.height - rows * height - (rows - 1) * gap) / 2;
  return Array.from({ length: count }, (_, i) => {
    const row = Math.floor(i / columns);
    const inRow = Math.min(columns, count - row * columns);
    const left = area.left + (area.width - inRow * width - (inRow - 1) * gap) / 2;
    return {
      left: Math.round(left + (i % columns) * (width + gap)),
      top: Math.round(top + row * (height + gap)),
      width,
      height,
    };
  });
}

/** One large, the others along the longer side's end. */
export function spotlight(area: Box, others: number): { readonly main: Box; readonly strip: Box[] } {
  if (others === 0) return { main: area, strip: [] };
  const wide = area.width >= area.height;
  const length = wide ? area.width : area.height;
  const share = Math.min(wide ? 280 : 200, Math.max(wide ? 120 : 90, length * 0.2), length * 0.4);
  const main = wide
    ? { ...area, width: area.width - share - gap }
    : { ...area, height: area.height - share - gap };
  const rest = wide
    ? { ...area, left: area.left + area.width - share, width: share }
    : { ...area, top: area.top + area.height - share, height: share };
  return { main, strip: grid(rest, others) };
}
