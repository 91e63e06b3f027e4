import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kill, launch, newRoom, Person } from './browser.mjs';
import { stage } from './fixture.mjs';
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

test('a browser that dies frees its seat within the grace time, and the page says so', async () => {
  const server = await Server.start({ settings: ['rooms.resume_timeout="2s"'] });
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
  await Promise.all([first, second, copy].map((person) => person.inCall(2)));
  await page.close();
  await first.inCall();
});

/** Everything the server says, except its ICE servers. */
function withoutRelay(socket) {
  const server = socket.connectToServer();
  server.onMessage((text) => {
    const frame = JSON.parse(text);
    socket.send(frame.type === 'welcome' ? JSON.stringify({ ...frame, ice_servers: [] }) : text);
  });
}

test('who finds no path to the other side is told so, and the other waits on', async () => {
  const room = newRoom();
  const people = [await here.person(), await here.person()];
  for (const person of people) {
    // Relay only, and no relay: the shortest way to no path at all.
    await person.page.routeWebSocket('**/v1/ws', withoutRelay);
    await person.join(room, '&it=relay');
    await person.state('waiting');
  }
  for (const person of people) {
    await person.page.waitForFunction(() =>
      globalThis.peerConnections.some((pc) => pc.remoteDescription && pc.signalingState === 'stable'),
    );
  }
  const [first, second] = people;
  assert.match(await second.seesError('ice-failed'), /no path for sound and picture.*Try another network/s);
  await second.state('failed');
  assert.equal(await second.page.getAttribute('[data-error="ice-failed"] a', 'href'), '/check');
  await first.page.waitForSelector('.waiting:has-text("The other side left")');
});

test('a name the server cannot know is refused on the page', async () => {
  const person = await here.person();
  await person.open('/r/abc?autojoin=1');
  assert.match(await person.seesError('bad-room-name'), /not a room name.*five or more letters.*Check the link/s);
  await person.state('failed');
  await person.press('new-room');
  await person.state('lobby');
});
