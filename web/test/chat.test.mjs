import assert from 'node:assert/strict';
import { join as path } from 'node:path';
import { test } from 'node:test';

const { Chat, linkify } = await import(path(process.env.BUILT, 'chat.mjs'));

const links = (text) => linkify(text).filter((p) => p.href !== null).map((p) => p.href);
const line = (n, from, text) => ({ n, from, name: from === 1 ? 'Alice' : 'Bob', text, time: n });

function opened() {
  const arrived = [];
  const chat = new Chat((news) => news && arrived.push(news.text));
  chat.iAm(1);
  return { chat, arrived, texts: () => chat.lines.map((l) => l.text) };
}

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
  const { chat, arrived } = opened();
  chat.arrive(line(1, 1, 'Ahoy'));
  chat.arrive(line(2, 2, 'Ahoy yourself'));
  assert.deepEqual(chat.lines.map((l) => [l.mine, l.from, l.text]), [
    [true, 'Alice', 'Ahoy'],
    [false, 'Bob', 'Ahoy yourself'],
  ]);
  assert.deepEqual([chat.unread, arrived], [1, ['Ahoy yourself']]);
  chat.read();
  assert.equal(chat.unread, 0);
});

test('what one writes is shown at once, and once', () => {
  const { chat, texts } = opened();
  chat.sending('Ahoy');
  assert.deepEqual([texts(), chat.lines[0].sending], [['Ahoy'], true]);
  chat.arrive(line(1, 2, 'Ahoy'));
  assert.equal(chat.lines.length, 2, 'somebody else may say the same');
  chat.arrive(line(2, 1, 'Ahoy'));
  assert.deepEqual(chat.lines.map((l) => l.sending), [false, false]);
});

test('what the server refuses goes back to be changed', () => {
  const { chat, texts } = opened();
  chat.sending('too long');
  chat.refused('too long');
  assert.deepEqual([texts(), chat.draft], [[], 'too long']);
});

test('who comes later reads what was written before; nothing is read twice', () => {
  const { chat, texts, arrived } = opened();
  chat.load([line(1, 2, 'a'), line(2, 2, 'b')], false);
  chat.load([line(1, 2, 'a'), line(2, 2, 'b'), line(3, 2, 'c')], false);
  chat.arrive(line(3, 2, 'c'));
  chat.arrive(line(4, 2, 'd'));
  assert.deepEqual(texts(), ['a', 'b', 'c', 'd']);
  assert.deepEqual([chat.unread, arrived], [4, ['d']]);
});

test('a server that was started anew counts anew', () => {
  const { chat, texts } = opened();
  chat.load([line(1, 2, 'a'), line(2, 2, 'b')], false);
  chat.load([line(1, 2, 'a')], true);
  chat.arrive({ ...line(2, 2, 'c'), time: 9 });
  assert.deepEqual(texts(), ['a', 'b', 'c']);
});

test('with a new seat one remains who one was', () => {
  const { chat } = opened();
  chat.arrive(line(1, 1, 'Ahoy'));
  chat.iAm(3);
  chat.arrive(line(2, 3, 'Me again'));
  assert.deepEqual(chat.lines.map((l) => l.mine), [true, true]);
});

test('strangers fill neither memory nor screen', () => {
  const { chat } = opened();
  for (let n = 1; n <= 600; n += 1) chat.arrive(line(n, 2, `${n}`));
  assert.equal(chat.lines.length, 500);
  assert.equal(chat.lines[499].text, '600');
});
