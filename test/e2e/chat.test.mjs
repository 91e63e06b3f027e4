import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newRoom } from './browser.mjs';
import { stage } from './fixture.mjs';

const here = stage();
const line = (person, text) => person.page.waitForSelector(`.line:has-text("${text}")`);

test('what one writes the other reads; what is unread is counted', async () => {
  const { first, second } = await here.couple();
  await first.write('Ahoy');
  await second.page.waitForSelector('.unread:text-is("1")');
  await second.page.waitForSelector('.toast:has-text("Ada: Ahoy")');
  await first.write('Still there?');
  await second.page.waitForSelector('.unread:text-is("2")');
  assert.match(await second.page.title(), /^\(2\) /);
  assert.equal(await second.page.getAttribute('[data-action="chat"]', 'aria-label'), 'Chat, 2 unread');
  await second.write('Yes');
  await line(second, 'Still there?');
  await second.page.waitForSelector('.unread', { state: 'detached' });
  await line(first, 'Yes');
  assert.match(await first.page.textContent('.line:has-text("Yes") .by'), /^Bo /);
  await second.press('leave');
  await second.state('left');
});

test('words are words: no markup, and links that give nothing away', async () => {
  const { first, second } = await here.couple();
  await first.write('<img src=x onerror=alert(1)> <b>bold</b> javascript:alert(1) https://example.org/a?b=c.');
  await second.press('chat');
  await line(second, '<b>bold</b>');
  assert.equal(await second.page.locator('.line :is(img, b)').count(), 0);
  const links = await second.page.$$eval('.line a', (all) => all.map((a) => [a.href, a.target, a.rel]));
  assert.deepEqual(links, [['https://example.org/a?b=c', '_blank', 'noopener noreferrer']]);
});

test('chat needs no mouse', async () => {
  const { first, second } = await here.couple();
  const { keyboard } = first.page;
  await keyboard.press('t');
  await first.page.waitForSelector('[data-panel="chat"] textarea:focus');
  await keyboard.type('mind the tide');
  await keyboard.press('Shift+Enter');
  await keyboard.type('and the wind');
  await keyboard.press('Enter');
  await first.page.waitForFunction(() => document.querySelector('textarea').value === '');
  await second.press('chat');
  const words = await (await line(second, 'mind the tide')).waitForSelector('p:last-child');
  assert.equal(await words.textContent(), 'mind the tide\nand the wind');
  await keyboard.type('a draft');
  await keyboard.press('Escape');
  await first.pressed('chat', false);
  await keyboard.press('t');
  await first.page.waitForSelector('textarea:focus');
  assert.equal(await first.page.inputValue('textarea'), 'a draft');
});

test('who comes later reads what was written before, and what is written alone is not lost', async () => {
  const room = newRoom();
  const [first, second] = [await here.person(), await here.person()];
  await first.join(room, '&name=Ada');
  await first.state('waiting');
  await first.write('is anybody there?');
  await line(first, 'is anybody there?');
  await second.join(room, '&name=Bo');
  await Promise.all([first.inCall(), second.inCall()]);
  await second.page.waitForSelector('.unread:text-is("1")');
  await second.reads('is anybody there?');
  assert.match(await second.page.textContent('.line .by'), /^Ada /);
  await second.write('now there is');
  await first.reads('now there is');
  await second.press('leave');
  await first.state('waiting');
  await second.press('rejoin');
  await Promise.all([first.inCall(), second.inCall()]);
  await second.reads('is anybody there?');
  assert.equal(await second.page.locator('.line').count(), 2);
});

test('chat on a phone: a tap on send is a tap on send, with the keyboard up too', async () => {
  const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
  const { first, second } = await here.couple('', undefined, phone);
  for (const height of [844, 420]) {
    await first.page.setViewportSize({ width: 390, height });
    await first.write(`at ${height}`);
    await line(first, `at ${height}`);
  }
  await second.press('chat');
  await line(second, 'at 844');
  await line(second, 'at 420');
});
