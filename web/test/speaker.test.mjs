import assert from 'node:assert/strict';
import { join as path } from 'node:path';
import { test } from 'node:test';

const { ActiveSpeaker } = await import(path(process.env.BUILT, 'speaker.mjs'));

/** Feeds the same levels for a while, three times a second. */
function conversation() {
  const speaker = new ActiveSpeaker();
  let now = 0;
  return {
    speaker,
    hear(milliseconds, levels) {
      let speaking = null;
      for (const end = now + milliseconds; now < end; now += 300) {
        speaking = speaker.update(new Map(Object.entries(levels).map(([id, l]) => [Number(id), l])), now);
      }
      return speaking;
    },
  };
}

test('the loudest has the word', () => {
  assert.equal(conversation().hear(900, { 1: 0.02, 2: 0.2, 3: 0 }), 2);
});

test('a cough does not take it, a sentence does', () => {
  const { hear } = conversation();
  hear(900, { 1: 0.2, 2: 0 });
  assert.equal(hear(300, { 1: 0.2, 2: 0.3 }), 1);
  assert.equal(hear(600, { 1: 0.2, 2: 0 }), 1);
  assert.equal(hear(2_400, { 1: 0, 2: 0.2 }), 2);
});

test('two who are equally loud do not flicker', () => {
  const { hear } = conversation();
  const first = hear(900, { 1: 0.2, 2: 0.19 });
  for (let i = 0; i < 10; i += 1) assert.equal(hear(600, { 1: i % 2 ? 0.2 : 0.22, 2: i % 2 ? 0.22 : 0.2 }), first);
});

test('in silence nobody speaks, but the last stays in the light', () => {
  const { hear, speaker } = conversation();
  hear(900, { 1: 0.2, 2: 0 });
  assert.equal(hear(3_600, { 1: 0, 2: 0.001 }), null);
  assert.equal(speaker.current, 1);
});

test('who left has not the word', () => {
  const { hear, speaker } = conversation();
  hear(900, { 1: 0.2, 2: 0.1 });
  assert.equal(hear(600, { 2: 0.1 }), 2);
  hear(300, {});
  assert.equal(speaker.current, null);
});
