// What the host of a room can do, and what it is to the others.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newRoom } from './browser.mjs';
import { stage } from './fixture.mjs';

const here = stage();

/** The host of a new room, and another who is not in yet. */
async function hostAndGuest() {
  const room = newRoom();
  const [host, guest] = [await here.person({ permissions: ['clipboard-read', 'clipboard-write', 'camera', 'microphone'] }), await here.person()];
  await host.join(room, '&name=Ada');
  await host.state('waiting');
  await host.opens('people');
  return { host, guest, room };
}

test('nobody enters a locked room until it is unlocked', async () => {
  const { host, guest, room } = await hostAndGuest();
  await host.press('lock');
  await host.pressed('lock', true);
  await guest.join(room, '&name=Bo');
  assert.match(await guest.seesError('room-locked'), /locked.*Ask somebody inside/s);
  await host.press('lock');
  await host.pressed('lock', false);
  await guest.press('rejoin');
  await Promise.all([host.inCall(), guest.inCall()]);
});

test('who knocks waits in the lobby until the host lets them in', async () => {
  const { host, guest, room } = await hostAndGuest();
  await host.press('lobby');
  await host.pressed('lobby', true);
  await host.press('people');
  await guest.join(room, '&name=Bo');
  await guest.state('knocking');
  await guest.page.waitForSelector('h1:has-text("Waiting to be let in")');
  await host.page.waitForSelector('.notices [data-knock]:has-text("Bo would like to join")');
  await host.press('admit');
  await Promise.all([host.inCall(), guest.inCall()]);
  await host.page.waitForSelector('[data-knock]', { state: 'detached' });
  await Promise.all([host.receives(), guest.receives()]);
});

test('who is declined is told so and may knock again; who goes away knocks no more', async () => {
  const { host, guest, room } = await hostAndGuest();
  await host.press('lobby');
  await host.pressed('lobby', true);
  await guest.join(room, '&name=Bo');
  await host.press('deny');
  assert.match(await guest.seesError('denied'), /not let in.*host of this room has declined/s);
  await guest.press('rejoin');
  await guest.state('knocking');
  await host.page.waitForSelector('[data-knock]');
  await guest.press('leave');
  await guest.state('left');
  await host.page.waitForSelector('[data-knock]', { state: 'detached' });
});

test('an invite link opens a locked room with a lobby', async () => {
  const { host, guest, room } = await hostAndGuest();
  await host.press('lock');
  await host.press('lobby');
  await host.pressed('lock', true);
  await host.pressed('lobby', true);
  await Promise.all([host.glimpses('Invite link copied'), host.press('invite')]);
  const link = await host.page.evaluate(() => navigator.clipboard.readText());
  assert.ok(link.startsWith(`${here.server.url}/r/${room}#invite=`), link);
  await guest.page.goto(link);
  await guest.state('lobby');
  await guest.press('join');
  await Promise.all([host.inCall(), guest.inCall()]);
});

test('who is removed is told so and may come back', async () => {
  const { first, second } = await here.couple();
  await first.manages('Bo');
  await first.press('remove');
  await first.page.waitForSelector('[data-action="remove"]:has-text("Really remove?")');
  await first.press('remove');
  await second.state('left');
  await second.page.waitForSelector('[data-reason="removed"] h1:has-text("You were removed")');
  await first.state('waiting');
  await second.press('rejoin');
  await Promise.all([first.inCall(), second.inCall()]);
});

test('the host can mute somebody, who can unmute again', async () => {
  const { first, second } = await here.couple();
  await first.manages('Bo');
  await Promise.all([second.glimpses('The host has muted your microphone'), first.press('ask-mic')]);
  await second.pressed('mic', false);
  await first.page.waitForSelector('.call-head .muted');
  await second.press('mic');
  await first.page.waitForSelector('.call-head .muted', { state: 'detached' });
});

test('the host can hand over, and a host that leaves is followed by another', async () => {
  const { first, second } = await here.couple();
  await second.opens('people');
  assert.equal(await second.page.locator('[data-action="lock"]').count(), 0);
  await first.manages('Bo');
  await Promise.all([second.glimpses('You are the host now'), first.press('make-host')]);
  await second.page.waitForSelector('[data-action="lock"]');
  await first.page.waitForSelector('[data-panel="people"] [data-action="lock"]', { state: 'detached' });
  await first.page.waitForSelector('.person:has-text("Bo"):has-text("host")');
  await second.press('leave');
  await first.page.waitForSelector('[data-panel="people"] [data-action="lock"]');
});

test('the host can end the call for all', async () => {
  const { first, second } = await here.couple();
  await first.opens('people');
  await first.press('close');
  await first.page.waitForSelector('[data-action="close"]:has-text("Really")');
  await first.press('close');
  for (const person of [first, second]) {
    await person.state('left');
    await person.page.waitForSelector('[data-reason="closed"] h1:has-text("The call has ended")');
  }
});
