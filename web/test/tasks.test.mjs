import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';

const { Tasks } = await import(join(process.env.BUILT, 'tasks.mjs'));

/** A task that ends when it is told to. */
function held() {
  let finish;
  const ended = new Promise((resolve) => (finish = resolve));
  const task = { begun: 0, finish, work: () => ((task.begun += 1), ended) };
  return task;
}

test('a task under way is marked, and a second press begins none', async () => {
  let drawn = 0;
  const tasks = new Tasks(() => (drawn += 1));
  const slow = held();
  const first = tasks.run('lock', slow.work);
  assert.deepEqual(tasks.marks('lock'), { 'aria-busy': true });
  assert.deepEqual(tasks.marks('lobby'), {});
  assert.equal(await tasks.run('lock', slow.work), false);
  assert.equal(slow.begun, 1);
  slow.finish(null);
  assert.equal(await first, true);
  assert.deepEqual(tasks.marks('lock'), {});
  assert.equal(drawn, 2);
});

test('what came to nothing is marked and told until it is tried again or dismissed', async () => {
  const tasks = new Tasks(() => {});
  assert.equal(await tasks.run('lock', async () => ({ text: 'no' })), false);
  assert.deepEqual(tasks.failed, { task: 'lock', text: 'no' });
  assert.equal(tasks.marks('lock')['data-failed'], true);
  assert.equal(await tasks.run('lobby', async () => null), true);
  assert.equal(tasks.failed?.task, 'lock', 'another one does not take it away');
  const slow = held();
  const again = tasks.run('lock', slow.work);
  assert.equal(tasks.failed, null);
  slow.finish({ text: 'no' });
  await again;
  tasks.dismiss();
  assert.deepEqual([tasks.failed, tasks.marks('lock')], [null, {}]);
});
