import assert from 'node:assert/strict';
import { join as path } from 'node:path';
import { test } from 'node:test';
import { settle } from './fake.mjs';

const { Files, Receiving, Sending, largestFile, mostAtOnce, parseControl, safeName } = await import(
  path(process.env.BUILT, 'files.mjs')
);

const json = (message) => JSON.stringify(message);

/** One end of a data channel: what is sent waits until a test lets it through. */
class Channel {
  readyState = 'connecting';
  sent = [];
  most = 0;

  get bufferedAmount() {
    return this.sent.reduce((sum, data) => sum + (typeof data === 'string' ? data.length : data.byteLength), 0);
  }
  send(data) {
    if (this.readyState !== 'open') throw new Error('not open');
    this.sent.push(data);
    this.most = Math.max(this.most, this.bufferedAmount);
  }
  close() {
    if (this.readyState !== 'closed') this.readyState = 'closing';
  }
  open() {
    this.readyState = 'open';
    this.onopen?.();
  }
  drop() {
    this.readyState = 'closed';
    this.sent = [];
    this.onclose?.();
  }
  /** The next message goes over; false when there was none. */
  step() {
    if (this.sent.length === 0) return false;
    const data = this.sent.shift();
    this.other?.onmessage({ data });
    if (this.bufferedAmount <= this.bufferedAmountLowThreshold) this.onbufferedamountlow?.();
    return true;
  }
}

/** A file that is read without a disk, and so without time. */
function fileOf(size, name = 'tide.bin') {
  const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 31 + (i >> 8)) & 255);
  const slice = (from, to) => ({ arrayBuffer: async () => bytes.slice(from, to).buffer });
  return { name, size, bytes, slice };
}

/** A sender and a receiver; messages move by step(). */
class Pair {
  decisions = 0;
  constructor(size = 100_000) {
    this.file = fileOf(size);
    [this.a, this.b] = [new Channel(), new Channel()];
    this.a.other = this.b;
    this.b.other = this.a;
    this.sending = new Sending(this.a, this.file, this.file.name, () => {});
    this.receiving = new Receiving(this.b, () => (this.decisions += 1), () => {});
    this.b.open();
    this.a.open();
  }
  /** One message, from whoever has one; a side that has closed closes the other when it has said all. */
  async step() {
    await settle();
    const moved = this.a.step() || this.b.step();
    await settle();
    if (!moved && (this.a.readyState === 'closing' || this.b.readyState === 'closing')) this.drop();
    return moved;
  }
  async run(most = Infinity) {
    for (let i = 0; i < most; i += 1) if (!(await this.step())) return i;
    return most;
  }
  drop() {
    this.a.drop();
    this.b.drop();
  }
  get states() {
    return [this.sending.state, this.receiving.state];
  }
}

const bytesOf = async (blob) => new Uint8Array(await blob.arrayBuffer());

for (const size of [0, 1, 16_383, 16_384, 16_385, 700_001]) {
  test(`a file of ${size} bytes arrives whole, once it is wanted`, async () => {
    const pair = new Pair(size);
    await pair.run();
    assert.deepEqual(pair.states, ['offered', 'offered']);
    assert.deepEqual([pair.receiving.offer, pair.decisions], [{ name: 'tide.bin', size }, 1]);
    assert.equal(pair.sending.moved, 0, 'nothing moves unasked');
    pair.receiving.accept();
    pair.receiving.accept(); // twice is once
    await pair.run();
    assert.deepEqual(pair.states, ['done', 'done']);
    assert.deepEqual(await bytesOf(pair.receiving.blob), pair.file.bytes);
    assert.equal(pair.receiving.blob.type, 'application/octet-stream');
    assert.ok(pair.a.most < 300_000, `at most ${pair.a.most} bytes wait in the channel`);
  });
}

test('wherever the channel breaks off, nothing is done by halves', async () => {
  const whole = new Pair();
  await whole.run();
  whole.receiving.accept();
  const steps = await whole.run();
  assert.ok(steps > 5);
  for (let cut = 0; cut <= steps; cut += 1) {
    const pair = new Pair();
    await pair.run(1);
    pair.receiving.accept();
    await pair.run(cut);
    pair.drop();
    await settle();
    assert.ok(pair.sending.over && pair.receiving.over, `cut at ${cut}: ${pair.states}`);
    const complete = pair.receiving.state === 'done';
    assert.equal(pair.receiving.blob !== null, complete, `cut at ${cut}`);
    if (!complete) assert.deepEqual(pair.states, ['lost', 'lost'], `cut at ${cut}`);
  }
});

test('either side may change its mind at any moment, and the other hears of it', async () => {
  for (const who of ['sending', 'receiving']) {
    for (let at = 0; at < 6; at += 1) {
      const pair = new Pair(1_000_000); // more than the channel holds
      await pair.run(1);
      if (at > 0) pair.receiving.accept();
      await pair.run(at);
      pair[who].cancel();
      await pair.run();
      assert.deepEqual(pair.states, who === 'sending' ? ['cancelled', 'refused'] : ['refused', 'cancelled'], `${who} ${at}`);
      assert.equal(pair.receiving.blob, null);
    }
  }
});

/** A receiver alone with somebody who says what they like. */
async function tell(...messages) {
  const channel = new Channel();
  let decisions = 0;
  const receiving = new Receiving(channel, () => (decisions += 1), () => {});
  channel.open();
  for (const message of messages) {
    if (message === 'accept') receiving.accept();
    else channel.onmessage({ data: message });
  }
  await settle();
  return { state: receiving.state, blob: receiving.blob, ready: channel.readyState, decisions };
}

const offer = (size = 3, name = 'a.txt') => json({ type: 'offer', name, size });
const bytes = (length) => new Uint8Array(length).buffer;

test('who sends more, less, too early or something else is not believed', async () => {
  const broken = { state: 'broken', blob: null, ready: 'closing', decisions: 1 };
  assert.deepEqual(await tell(offer(3), 'accept', bytes(4)), broken, 'more');
  assert.deepEqual(await tell(offer(3), 'accept', bytes(2), bytes(2)), broken, 'more, in two messages');
  assert.deepEqual(await tell(offer(3), 'accept', bytes(0)), broken, 'nothing, again and again');
  assert.deepEqual(await tell(offer(3), bytes(3)), broken, 'unasked');
  assert.deepEqual(await tell(offer(3), offer(3)), broken, 'twice');
  assert.deepEqual(await tell(offer(3), 'accept', offer(3)), broken, 'twice, in the middle');
  assert.deepEqual(await tell(offer(3), json({ type: 'accept' })), broken, 'the wrong way round');
  assert.deepEqual(await tell(bytes(3)), { ...broken, decisions: 0 }, 'without a word');
  assert.deepEqual(await tell('{'), { ...broken, decisions: 0 });
  const less = await tell(offer(3), 'accept', bytes(2));
  assert.deepEqual([less.state, less.blob], ['moving', null], 'less is not yet all');
});

test('a receiver that says it has everything has, or is not believed', async () => {
  for (const [early, word] of [[true, 'received'], [false, 'offer'], [false, 'news']]) {
    const pair = new Pair();
    await pair.run(1);
    if (!early) pair.receiving.accept();
    await pair.run(early ? 0 : 2);
    pair.a.onmessage({ data: json({ type: word, name: '', size: 0 }) });
    assert.equal(pair.sending.state, 'broken', word);
  }
  const pair = new Pair();
  await pair.run(1);
  pair.a.onmessage({ data: bytes(1) });
  assert.equal(pair.sending.state, 'broken', 'a receiver sends no bytes');
});

test('a file that cannot be read any more is not sent by halves', async () => {
  const pair = new Pair();
  await pair.run();
  let reads = 0;
  const { slice } = pair.file;
  pair.file.slice = (from, to) => {
    reads += 1;
    return reads < 3 ? slice(from, to) : { arrayBuffer: () => Promise.reject(new Error('gone')) };
  };
  pair.receiving.accept();
  await pair.run();
  assert.deepEqual(pair.states, ['broken', 'refused']);
});

test('what a stranger says of a file is read with care', () => {
  const size = (value) => parseControl(`{"type":"offer","name":"a","size":${value}}`);
  for (const wrong of ['-1', '1.5', '1e99', '"3"', 'null', '[1]', String(largestFile + 1)]) {
    assert.equal(size(wrong), null, wrong);
  }
  assert.deepEqual(size(largestFile), { type: 'offer', name: 'a', size: largestFile });
  for (const wrong of ['', 'null', '3', '[]', '"offer"', '{}', '{"type":"news"}', '{"type":"offer","size":1}']) {
    assert.equal(parseControl(wrong), null, wrong);
  }
  assert.equal(parseControl(json({ type: 'offer', name: {}, size: 1 })), null);
  assert.equal(parseControl(json({ type: 'cancel', why: 'x'.repeat(5_000) })), null);
  assert.deepEqual(parseControl(json({ type: 'accept', __proto__: { type: 'x' }, more: 1 })), { type: 'accept' });
});

test('a name is a name: no path, nothing invisible, not without end', () => {
  const names = {
    'holiday photo.jpg': 'holiday photo.jpg',
    'Übersicht (2).pdf': 'Übersicht (2).pdf',
    '日本語.txt': '日本語.txt',
    '../../etc/passwd': '_.._etc_passwd',
    'C:\\Windows\\x.exe': 'C__Windows_x.exe',
    '.bashrc': 'bashrc',
    'a.txt. . ': 'a.txt',
    'invoice\u202Efdp.exe': 'invoicefdp.exe',
    'a\u0000b\nc\u200Bd\u2028e': 'abcde',
    '<img src=x onerror=alert(1)>': '_img src=x onerror=alert(1)_',
    '': 'file',
    ' .. ': 'file',
    '\u{1F600}.png': '\u{1F600}.png',
    'a\uD800b': 'ab',
  };
  for (const [given, kept] of Object.entries(names)) {
    assert.equal(safeName(given), kept, json(given));
    assert.equal(safeName(kept), kept, 'what is safe stays');
  }
  const long = safeName(`${'\u{1F600}'.repeat(5_000)}.tar.gz`);
  assert.equal([...long].length, 100);
  assert.ok(long.endsWith('.gz'));
});

/** All files of somebody in a room. */
function newFiles() {
  const told = { offered: [], arrived: [] };
  const files = new Files({
    changed: () => {},
    offered: (item) => told.offered.push(item.name),
    arrived: (name, blob) => told.arrived.push([name, blob.size]),
    newest: () => 0,
  });
  const offerFrom = (id, message = offer()) => {
    const channel = new Channel();
    files.arrive({ id, name: `p${id}` }, channel);
    if (channel.readyState === 'connecting') channel.open();
    if (channel.readyState === 'open' && message) channel.onmessage({ data: message });
    return channel;
  };
  return { files, told, offerFrom };
}

test('one person can offer only so much at once, others still can', () => {
  const { files, told, offerFrom } = newFiles();
  offerFrom(1, null); // a channel that says nothing counts, too
  for (let i = 1; i < mostAtOnce; i += 1) assert.equal(offerFrom(1).readyState, 'open');
  assert.equal(offerFrom(1).readyState, 'closing');
  assert.equal(offerFrom(2).readyState, 'open');
  assert.equal(told.offered.length, mostAtOnce);
  files.items[0].transfer.cancel();
  assert.equal(offerFrom(1).readyState, 'open');
});

test('what is offered and withdrawn again and again does not pile up', () => {
  const { files, offerFrom } = newFiles();
  for (let i = 0; i < 500; i += 1) offerFrom(1, offer(3, `${i}.txt`)).onmessage({ data: json({ type: 'cancel' }) });
  assert.equal(files.items.length, 30);
  assert.equal(files.items.at(-1).name, '499.txt');
});

test('when somebody goes, what was on its way from and to them has failed, and nothing else', async () => {
  const { files, offerFrom } = newFiles();
  const channels = [new Channel(), new Channel()];
  const receivers = [1, 2].map((id, i) => ({ id, name: `p${id}`, channel: channels[i] }));
  files.send(fileOf(10), [...receivers, { id: 3, name: 'old', channel: null }]);
  const silent = offerFrom(1, null);
  offerFrom(1);
  offerFrom(2);
  files.parted(1);
  const [sent, ...offered] = files.items;
  assert.deepEqual(sent.to.map(({ transfer }) => transfer?.state), ['lost', 'connecting', undefined]);
  assert.deepEqual(offered.map(({ transfer }) => transfer.state), ['lost', 'offered']);
  assert.equal(silent.readyState, 'closing');
  files.parted(2);
  assert.ok(!files.full && files.items.every((item) => item.kind === 'sent' || item.transfer.over));
});

test('what arrived is handed over once, and is forgotten with the room', async () => {
  const { files, told, offerFrom } = newFiles();
  const channel = offerFrom(1);
  assert.equal(files.unread, 1);
  files.items[0].transfer.accept();
  channel.onmessage({ data: bytes(3) });
  channel.drop();
  assert.deepEqual(told.arrived, [['a.txt', 3]]);
  const other = offerFrom(1);
  files.forget();
  assert.deepEqual([files.items.length, files.unread], [0, 0]);
  assert.equal(other.readyState, 'closing');
});

test('only so many files are sent at once', () => {
  const { files } = newFiles();
  const channels = Array.from({ length: mostAtOnce }, () => new Channel());
  for (const channel of channels) {
    assert.ok(!files.full);
    files.send(fileOf(10), [{ id: 1, name: 'p', channel }]);
  }
  assert.ok(files.full);
  channels[2].drop();
  assert.ok(!files.full);
});
