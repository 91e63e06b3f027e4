import assert from 'node:assert/strict';
import { join as path } from 'node:path';
import { test } from 'node:test';

const { Chat, linkify, longestLine } = await import(path(process.env.BUILT, 'chat.mjs'));

const links = (text) => linkify(text).filter((p) => p.href !== null).map((p) => p.href);

/** A data channel that keeps what it is given. */
const fakeChannel = () => ({ readyState: 'open', bufferedAmount: 0, sent: [], send(text) { this.sent.push(text); } });

test('addresses in a text become links, and the text stays whole', () => {
  const text = 'See https://example.org/a?b=c#d, and (http://example.org/x). Bye';
  assert.equal(linkify(text).map((p) => p.text).join(''), text);
  assert.deepEqual(links(text), ['https://example.org/a?b=c#d', 'http://example.org/x']);
  assert.deepEqual(links('https://example.org/wiki/Sail_(boat)'), ['https://example.org/wiki/Sail_(boat)']);
});

test('nothing but http and https becomes a link', () => {
  for (const text of ['javascript:alert(1)', 'data:text/html,x', 'ftp://example.org', 'http://', 'xhttps://example.org', '<b>x</b>'])
    assert.deepEqual(links(text), [], text);
  assert.deepEqual(links('<a href="https://example.org/">'), ['https://example.org/']);
});

test('lines are counted as unread until they are read; one\'s own never are', () => {
  const arrived = [];
  const chat = new Chat(() => 'Bo', (line) => line && arrived.push(line.text));
  const channel = fakeChannel();
  chat.attach(channel);
  assert.ok(chat.send('Ahoy'));
  channel.onmessage({ data: ' Ahoy yourself ' });
  channel.onmessage({ data: new ArrayBuffer(4) });
  channel.onmessage({ data: '   ' });
  assert.deepEqual(chat.lines.map((l) => [l.mine, l.from, l.text]), [
    [true, '', 'Ahoy'],
    [false, 'Bo', 'Ahoy yourself'],
  ]);
  assert.deepEqual([chat.unread, arrived, channel.sent], [1, ['Ahoy yourself'], ['Ahoy']]);
  chat.read();
  assert.equal(chat.unread, 0);
});

test('a stranger fills neither memory nor screen', () => {
  const chat = new Chat(() => '', () => {});
  const channel = fakeChannel();
  chat.attach(channel);
  for (let i = 0; i < 600; i += 1) channel.onmessage({ data: `${i} ${'x'.repeat(9000)}` });
  assert.equal(chat.lines.length, 500);
  assert.ok(chat.lines.every((l) => l.text.length === longestLine));
  assert.match(chat.lines[499].text, /^599 /);
});

test('what nobody would read is not sent', () => {
  const chat = new Chat(() => '', () => {});
  assert.ok(!chat.send('alone'));
  const channel = fakeChannel();
  chat.attach(channel);
  channel.bufferedAmount = 1e6;
  assert.ok(!chat.send('stuck'));
  channel.bufferedAmount = 0;
  channel.readyState = 'closed';
  assert.ok(!chat.send('gone'));
  assert.deepEqual([chat.lines, channel.sent], [[], []]);
});
