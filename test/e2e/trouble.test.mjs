import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kill, launch, newRoom, Person } from './browser.mjs';
import { stage } from './fixture.mjs';
import { Proxy } from './proxy.mjs';
import { Server } from './server.mjs';

const here = stage();
const refused = /ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|WebSocket/;

test('a server that is gone is named, and trying again works when it is back', async () => {
  const server = await Server.start();
  const person = await here.person({ server });
  person.expectErrors(refused);
  await person.open(`/r/${newRoom()}`);
  await person.state('lobby');
  await server.stop();
  await person.press('join');
  assert.match(await person.seesError('server-unreachable'), /does not answer.*connected to the internet.*Try again in a minute/s);
  await person.state('failed');

  const { port, turnPort } = server;
  const again = await Server.start({ port, turnPort });
  await person.press('rejoin');
  await person.state('waiting');
  await person.close();
  here.people.pop();
  await again.stop();
});

test('a call survives a server that is killed and started again', async () => {
  const server = await Server.start();
  const [first, second] = [await here.person({ server }), await here.person({ server })];
  const room = newRoom();
  for (const person of [first, second]) person.expectErrors(refused);
  await first.join(room);
  await first.state('waiting');
  await second.join(room);
  await Promise.all([first.inCall(), second.inCall()]);
  const { port, turnPort } = server;
  await server.kill();
  await first.page.waitForSelector('[data-notice="server-lost"]');
  await first.receives();
  const again = await Server.start({ port, turnPort });
  // The new server knows nobody: both must join anew, and a third must find the room full.
  await first.page.waitForSelector('[data-notice="server-lost"]', { state: 'detached' });
  await second.page.waitForSelector('[data-notice="server-lost"]', { state: 'detached' });
  await Promise.all([first.inCall(), second.inCall()]);
  await Promise.all([first.receives(), second.receives()]);
  const third = await here.person({ server: again });
  await third.join(room);
  await third.seesError('room-full');
  for (const person of here.people.splice(0)) await person.close();
  await again.stop();
});

test('signaling that breaks and comes back is named, and the call goes on', async () => {
  const proxy = await Proxy.to(here.server);
  const [first, second] = [await here.person({ server: proxy }), await here.person()];
  first.expectErrors(refused);
  const room = newRoom();
  await first.join(room);
  await first.state('waiting');
  await second.join(room);
  await Promise.all([first.inCall(), second.inCall()]);
  proxy.cut();
  const notice = await first.page.waitForSelector('[data-notice="server-lost"]');
  assert.match(await notice.textContent(), /server is out of reach.*call goes on/);
  proxy.mend();
  await first.page.waitForSelector('[data-notice="server-lost"]', { state: 'detached' });
  await Promise.all([first.inCall(), second.inCall()]);
  await Promise.all([first.receives(), second.receives()]);
  await first.press('leave');
  await second.page.waitForSelector('h1:has-text("left")');
  await first.close();
  here.people.shift();
  await proxy.close();
});

test('a browser that dies frees its seat within the grace time, and the page says so', async () => {
  const server = await Server.start({ settings: ['rooms.register_timeout="2s"'] });
  const doomed = await launch();
  const first = await here.person({ server });
  const second = await Person.at(doomed, server);
  const room = newRoom();
  await first.join(room);
  await first.state('waiting');
  await second.join(room, '&name=Bo');
  await first.page.waitForSelector('.chip:has-text("Bo")');
  await kill(doomed);
  await first.page.waitForSelector('h1:has-text("Bo left. Waiting for someone to join")');
  await first.state('waiting');
  const third = await here.person({ server });
  await third.join(room);
  await Promise.all([first.inCall(), third.inCall()]);
  for (const person of here.people.splice(0)) await person.close();
  await server.stop();
});

test('a copied tab does not fall into the call of the first', async () => {
  const room = newRoom();
  const [first, second] = [await here.person(), await here.person()];
  for (const person of [first, second]) {
    await person.open(`/r/${room}`);
    await person.press('join');
    await person.state('waiting', 'connected');
  }
  await Promise.all([first.inCall(), second.inCall()]);
  const [page] = await Promise.all([
    first.context.waitForEvent('page'),
    first.page.evaluate(() => void open(location.href)), // takes a copy of the session storage along
  ]);
  const copy = new Person();
  copy.page = page;
  await copy.state('lobby');
  await copy.page.waitForSelector('h1:has-text("Ready to join?")');
  await Promise.all([first.receives(), second.receives()]);
  await copy.press('join');
  assert.match(await copy.seesError('room-full'), /full/);
  await page.close();
  await first.inCall();
});

test('who finds no path to the other side is told so, and the other waits on', async () => {
  const room = newRoom();
  const people = [await here.person(), await here.person()];
  for (const person of people) {
    await person.page.clock.install();
    // Relay only, and no relay: the shortest way to no path at all.
    await person.page.route('**/v1alpha/iceconfig*', (route) => route.fulfill({ json: { iceServers: [] } }));
    await person.join(room, '&it=relay');
    await person.state('waiting');
  }
  for (const person of people) {
    await person.page.waitForFunction(() =>
      globalThis.peerConnections.some((pc) => pc.remoteDescription && pc.signalingState === 'stable'),
    );
  }
  const [first, second] = people;
  await first.page.clock.runFor(60_000);
  assert.match(await first.seesError('ice-failed'), /no path for sound and picture.*Try another network/s);
  await first.state('failed');
  await second.page.waitForSelector('.waiting:has-text("The other side left")');
});

test('a name the server cannot know is refused on the page', async () => {
  const person = await here.person();
  await person.open('/r/abc?autojoin=1');
  assert.match(await person.seesError('bad-room-name'), /not a room name.*five or more letters.*Check the link/s);
  await person.state('failed');
  await person.press('new-room');
  await person.state('lobby');
});
