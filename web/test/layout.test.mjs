import assert from 'node:assert/strict';
import { join as path } from 'node:path';
import { test } from 'node:test';

const { gap, grid, spotlight, tiles } = await import(path(process.env.BUILT, 'layout.mjs'));
const shape = (width, height, count) => {
  const { columns, rows } = tiles(width, height, count);
  return `${columns}x${rows}`;
};
const screens = { desktop: [1280, 640], portrait: [366, 640], landscape: [812, 260], square: [800, 800], tiny: [120, 90] };

test('on a desktop people sit in a few long rows, on an upright phone in a few columns', () => {
  assert.deepEqual([2, 3, 4, 5, 6, 7, 8].map((n) => shape(1280, 640, n)), ['2x1', '2x2', '2x2', '3x2', '3x2', '3x3', '3x3']);
  assert.deepEqual([2, 3, 4, 5, 6, 7, 8].map((n) => shape(366, 640, n)), ['1x2', '1x3', '2x2', '2x3', '2x3', '2x4', '2x4']);
  assert.equal(shape(812, 260, 3), '3x1');
});

const inside = (box, area) =>
  box.left >= area.left &&
  box.top >= area.top &&
  box.left + box.width <= area.left + area.width + 1 &&
  box.top + box.height <= area.top + area.height + 1;
const apart = (a, b) =>
  a.left + a.width <= b.left || b.left + b.width <= a.left || a.top + a.height <= b.top || b.top + b.height <= a.top;

for (const [name, [width, height]] of Object.entries(screens)) {
  test(`everybody is on the screen and nobody is covered: ${name}`, () => {
    const area = { left: 20, top: 60, width, height };
    for (let count = 1; count <= 8; count += 1) {
      const { main, strip } = spotlight(area, count - 1);
      for (const boxes of [grid(area, count), [main, ...strip]]) {
        assert.equal(boxes.length, count);
        boxes.forEach((box, i) => {
          assert.ok(box.width > 0 && box.height > 0 && inside(box, area), `${count}: ${JSON.stringify(box)}`);
          for (const other of boxes.slice(i + 1)) assert.ok(apart(box, other), `${count} overlap`);
        });
      }
    }
  });
}

test('no picture is stretched wider than a camera sees or narrower than a face needs', () => {
  for (const [width, height] of Object.values(screens)) {
    for (let count = 1; count <= 8; count += 1) {
      const tile = tiles(width, height, count);
      const ratio = tile.width / tile.height;
      assert.ok(ratio < 1.8 && ratio > 0.7, `${count} in ${width} x ${height}: ${ratio}`);
    }
  }
});

test('a row that is not full is centred', () => {
  const area = { left: 0, top: 0, width: 1280, height: 640 };
  const [first, , third] = grid(area, 3);
  assert.equal(third.left, Math.round((1280 - third.width) / 2));
  assert.equal(third.top, first.top + first.height + gap);
});

test('the one in the light has most of the space', () => {
  for (const [width, height] of Object.values(screens)) {
    const { main, strip } = spotlight({ left: 0, top: 0, width, height }, 4);
    const small = strip.reduce((sum, box) => sum + box.width * box.height, 0);
    if (width > 200) assert.ok(main.width * main.height > 2 * small, `${width} x ${height}`);
  }
});

test('a space of nothing is no trouble', () => {
  assert.equal(grid({ left: 0, top: 0, width: 0, height: 0 }, 3).length, 3);
});
