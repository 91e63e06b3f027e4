import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newRoom, Person } from './browser.mjs';
import { stage } from './fixture.mjs';
import { Server } from './server.mjs';

const here = stage();

test('a reload during a call brings the call back', async () => {
  const { first, second } = await here.couple();
  for (const person of [first, second]) {
    await person.page.reload();
    await Promise.all([first.inCall(), second.inCall()]);
    await Promise.all([first.receives(), second.receives()]);
  }
});

test('a reload during a call joins again by itself, without autojoin', async () => {
  const room = newRoom();
  const [first, second] = [await here.person(), await here.person()];
  for (const person of [first, second]) {
    await person.open(`/r/${room}`);
    await person.press('join');
    await person.state('waiting', 'connected');
  }
  await Promise.all([first.inCall(), second.inCall()]);
  await second.page.reload();
  await Promise.all([first.inCall(), second.inCall()]);
});

test('who leaves may come back, and who stayed takes the call up again', async () => {
  const { first, second } = await here.couple();
  for (const [leaver, stayer] of [
    [first, second],
    [second, first],
    [second, first],
  ]) {
    await leaver.press('leave');
    await leaver.state('left');
    await stayer.state('waiting');
    await leaver.press('rejoin');
    await Promise.all([leaver.inCall(), stayer.inCall()]);
    await Promise.all([leaver.receives(), stayer.receives()]);
  }
});

test('who finds the room full is told so, and gets in when there is a seat', async () => {
  const server = await Server.start({ settings: ['rooms.capacity=2'] });
  const room = newRoom();
  const { first, second } = await here.couple('', room, { server });
  const third = await here.person({ server });
  await third.join(room);
  assert.match(await third.seesError('room-full'), /room is full.*Every seat is taken.*Wait until somebody has left/s);
  await third.state('failed');
  await first.receives();
  await second.press('leave');
  await first.state('waiting');
  await third.press('rejoin');
  await Promise.all([first.inCall(), third.inCall()]);
  for (const person of here.people.splice(0)) await person.close();
  await server.stop();
});

test('a closed tab frees its seat', async () => {
  const { first, second, room } = await here.couple();
  await second.page.close({ runBeforeUnload: false });
  await first.state('waiting');
  const third = await here.person();
  await third.join(room);
  await Promise.all([first.inCall(), third.inCall()]);
});

test('one link opened in two tabs is two people', async () => {
  const room = newRoom();
  const first = await here.person();
  await first.join(room);
  await first.state('waiting');
  const page = await first.context.newPage();
  const second = new Person();
  second.page = page;
  await page.goto(`${here.server.url}/r/${room}?autojoin=1`);
  await Promise.all([first.inCall(), second.inCall()]);
});

test('from the front page: a suggested room, a shared link, a remembered name', async () => {
  const [first, second] = [await here.person(), await here.person()];
  await first.open('/');
  await first.page.fill('#name', 'Alice');
  await first.press('join');
  await first.state('waiting');
  const link = (await first.page.textContent('.invitation .link')).trim();
  assert.equal(`http://${link}`, first.page.url());
  await second.page.goto(`http://${link}`);
  await second.state('lobby');
  await second.press('join');
  await Promise.all([first.inCall(), second.inCall()]);
  await second.page.waitForSelector('.chip:has-text("Alice")');
  await first.press('leave');
  await first.press('new-room');
  await first.state('lobby');
  assert.equal(await first.page.inputValue('#name'), 'Alice');
  assert.equal(await first.page.locator('.recent-room').count(), 1);
});

test('a name that is no room name is explained', async () => {
  const person = await here.person();
  await person.open('/');
  await person.page.fill('#room', 'a/b');
  await person.press('join');
  assert.match(await person.seesError('bad-room-name'), /five/i);
  await person.state('lobby');
  await person.page.fill('#room', 'Café am Meer');
  await person.press('join');
  await person.state('waiting');
  assert.equal(new URL(person.page.url()).pathname, '/r/Cafe-am-Meer');
});

test('where names are secrets the page proposes one of the server, and explains why another is none', async () => {
  const server = await Server.start({ settings: [`rooms.name_secret=${'s'.repeat(32)}`] });
  const [first, second] = [await here.person({ server }), await here.person({ server })];
  await first.open('/');
  await first.page.waitForFunction(() => /^[\w-]{32}$/.test(document.querySelector('#room')?.value));
  await first.press('join');
  await first.state('waiting');
  const { pathname } = new URL(first.page.url());
  await second.open(`${pathname}?autojoin=1`);
  await Promise.all([first.inCall(), second.inCall()]);

  await second.open('/');
  await second.page.fill('#room', 'tea-at-five');
  await second.press('join');
  assert.match(await second.seesError('unknown-room'), /no such room.*nobody can guess.*Check the link/s);
  await second.press('new-room');
  await second.page.waitForFunction(() => /^[\w-]{32}$/.test(document.querySelector('#room')?.value));
  await second.press('join');
  await second.state('waiting');
  await server.stop();
});
