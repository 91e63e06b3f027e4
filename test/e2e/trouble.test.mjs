import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newRoom } from './browser.mjs';
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
  assert.match(await person.seesError('server-unreachable'), /does not answer/);
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
  assert.match(await first.seesError('ice-failed'), /path/);
  await first.state('failed');
  await second.page.waitForSelector('.waiting:has-text("The other side left")');
});

test('a name the server cannot know is refused on the page', async () => {
  const person = await here.person();
  await person.open('/r/abc?autojoin=1');
  await person.seesError('bad-room-name');
  await person.state('failed');
  await person.press('new-room');
  await person.state('lobby');
});
