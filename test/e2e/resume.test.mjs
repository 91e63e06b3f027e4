// Signaling that breaks during a call: the media go on, and everything said meanwhile arrives.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newRoom } from './browser.mjs';
import { stage } from './fixture.mjs';
import { Proxy } from './proxy.mjs';
import { Server } from './server.mjs';

const here = stage();
const refused = /ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|WebSocket/;
const connections = (person) => person.page.evaluate(() => globalThis.peerConnections.length);
const lost = (person, state = 'visible') => person.page.waitForSelector('[data-notice="server-lost"]', { state });

test('a cut of ten seconds costs neither the call nor a word', async () => {
  const proxy = await Proxy.to(here.server);
  const [first, second] = [await here.person({ server: proxy }), await here.person()];
  first.expectErrors(refused);
  const room = newRoom();
  await first.join(room, '&name=Ada');
  await first.state('waiting');
  await second.join(room, '&name=Bo');
  await Promise.all([first.inCall(), second.inCall()]);
  await first.write('before');
  await second.reads('before');

  proxy.cut();
  const cutAt = Date.now();
  const notice = await lost(first);
  assert.match(await notice.textContent(), /server is out of reach.*call goes on/);
  await second.write('you were not there');
  await first.write('neither were you');
  await second.press('mic');
  while (Date.now() < cutAt + 10_000) await Promise.all([first.receives(), second.receives()]);
  assert.equal(await first.page.locator('.line:has-text("you were not there")').count(), 0);
  proxy.mend();

  await lost(first, 'detached');
  await first.reads('you were not there');
  await second.reads('neither were you');
  await first.page.waitForSelector('.call-head .muted');
  await Promise.all([first.inCall(), second.inCall()]);
  for (const person of [first, second]) {
    assert.equal(await person.page.locator('.line').count(), 3, 'each once');
    assert.equal(await connections(person), 1, 'the same connection');
  }
  await first.press('leave');
  await second.page.waitForSelector('h1:has-text("Ada left")');
  await first.close();
  here.people.shift();
  await proxy.close();
});

test('who comes during the cut is met afterwards', async () => {
  const proxy = await Proxy.to(here.server);
  const [first, second] = [await here.person({ server: proxy }), await here.person()];
  first.expectErrors(refused);
  const room = newRoom();
  await first.join(room, '&name=Ada');
  await first.state('waiting');
  proxy.cut();
  await first.page.waitForSelector('h1:has-text("Looking for the server")');
  await second.join(room, '&name=Bo');
  await second.page.waitForSelector('h1:has-text("Connecting")');
  proxy.mend();
  await Promise.all([first.inCall(), second.inCall()]);
  await Promise.all([first.receives(), second.receives()]);
  await first.close();
  here.people.shift();
  await proxy.close();
});

test('after a change of networks both sides look for new ways, and the call goes on', async () => {
  const { first, second } = await here.couple();
  const fragments = (person) =>
    person.page.evaluate(() => /a=ice-ufrag:(\S+)/.exec(globalThis.peerConnections[0].localDescription.sdp)[1]);
  const people = [first, second];
  const before = await Promise.all(people.map(fragments));
  await Promise.all(people.map(({ page }) => page.evaluate(() => void dispatchEvent(new Event('online')))));
  for (const [i, { page }] of people.entries()) {
    await page.waitForFunction(
      (old) => !globalThis.peerConnections[0].localDescription.sdp.includes(`a=ice-ufrag:${old}`),
      before[i],
    );
  }
  await Promise.all(people.map((person) => person.receives()));
  for (const person of people) assert.equal(await connections(person), 1);
});

test('the weak side is named: by the others, and by itself', async () => {
  const proxy = await Proxy.to(here.server);
  const [ada, bo, cy] = [await here.person(), await here.person({ server: proxy }), await here.person()];
  bo.expectErrors(refused);
  const room = newRoom();
  for (const [person, name] of [[ada, 'Ada'], [bo, 'Bo'], [cy, 'Cy']]) {
    await person.join(room, `&name=${name}`);
    await person.state('waiting', 'connected');
  }
  await Promise.all([ada, bo, cy].map((person) => person.inCall(2)));
  const weak = (person, whose, state = 'visible') =>
    person.page.waitForSelector(`${whose} [role="img"][aria-label="Weak connection"]`, { state });
  proxy.cut();
  await Promise.all([weak(ada, '.tile:has-text("Bo")'), weak(cy, '.tile:has-text("Bo")'), weak(bo, '.tile.me')]);
  proxy.mend();
  await Promise.all([
    weak(ada, '.tile:has-text("Bo")', 'detached'),
    weak(cy, '.tile:has-text("Bo")', 'detached'),
    weak(bo, '.tile.me', 'detached'),
  ]);
  await cy.press('leave');
  await Promise.all([ada, bo].map((person) => person.inCall(1)));
  proxy.cut();
  await Promise.all([weak(ada, '.call-head'), weak(bo, '.mini')]);
  proxy.mend();
  await Promise.all([weak(ada, '.call-head', 'detached'), weak(bo, '.mini', 'detached')]);
  await bo.close();
  here.people.splice(here.people.indexOf(bo), 1);
  await proxy.close();
});

test('the state says what is happening: a lost connection, no network, another network', async () => {
  const { first, second } = await here.couple();
  first.expectErrors(/ERR_INTERNET_DISCONNECTED|WebSocket/);
  const says = (words) => first.page.waitForSelector(`[data-notice="reconnecting"]:has-text("${words}")`);
  await second.page.evaluate(() => globalThis.peerConnections[0].close()); // what a cable that is pulled looks like
  await says('Connection lost. Reconnecting…');
  await first.context.setOffline(true);
  await says('You are offline. The call goes on when your network is back');
  await first.context.setOffline(false);
  await says('Your network changed. Reconnecting…');
});

for (const end of ['stop', 'kill']) {
  test(`a call of three survives a server that ends by ${end} and is started again`, async () => {
    const server = await Server.start();
    const { people, room } = await here.group(['Ada', 'Bo', 'Cy'], newRoom(), { server });
    for (const person of people) person.expectErrors(refused);
    const { port, turnPort } = server;
    await server[end]();
    for (const person of people) await lost(person);
    await Promise.all(people.map((person) => person.sees(2)));
    const again = await Server.start({ port, turnPort });
    for (const person of people) await lost(person, 'detached');
    await Promise.all(people.map((person) => person.inCall(2)));
    await Promise.all(people.map((person) => person.sees(2)));
    for (const person of people) assert.equal(await connections(person), 2, 'the same connections');
    await people[0].write('still here?');
    for (const person of people.slice(1)) await person.reads('still here?');
    const fourth = await here.person({ server: again });
    await fourth.join(room, '&name=Di');
    await Promise.all([...people, fourth].map((person) => person.inCall(3)));
    for (const person of here.people.splice(0)) await person.close();
    await again.stop();
  });
}
