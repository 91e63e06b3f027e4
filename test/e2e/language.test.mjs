// The page in German: everything that it says, in every state.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newRoom } from './browser.mjs';
import { stage } from './fixture.mjs';
import { textsIn } from './texts.mjs';

const here = stage();
const german = { locale: 'de-DE' };
const de = textsIn('de');

const strings = (value) =>
  typeof value === 'string' ? [value] : typeof value === 'function' ? [] : Object.values(value).flatMap(strings);
const english = new Set(strings(textsIn('en')));
for (const text of strings(de)) english.delete(text);
/** Words that German has not, for sentences with names in them and for what stands in no table. */
const foreign =
  /\b(the|you|your|is|are|to|and|not|with|this|for|from|can|off|camera|microphone|screen|join|leave|people|settings|share|muted?|waiting|left|speaker|picture|guest|connecting|close|copy|open|room|try|again)\b/i;

/** Runs in the page: all that is written or said aloud, but for names and devices. */
function readAll() {
  const found = [document.title];
  const walk = (element) => {
    if (element.matches('option, noscript, .room-name, .link, .brand, .peer-name, .recent-room, .line')) return;
    for (const name of ['aria-label', 'title', 'placeholder', 'alt']) found.push(element.getAttribute(name) ?? '');
    for (const node of element.childNodes) {
      if (node instanceof Text) found.push(node.data.trim());
      else if (node instanceof Element) walk(node);
    }
  };
  walk(document.body);
  return [...new Set(found)].filter((text) => text !== '');
}

async function speaksGerman(person, where) {
  const said = await person.page.evaluate(readAll);
  assert.ok(said.length > 3, `${where} says something`);
  const wrong = said.filter((text) => english.has(text) || foreign.test(text.replaceAll(/test-\w+/g, '')));
  assert.deepEqual(wrong, [], where);
}

test('a German browser gets a German page, and joins', async () => {
  const person = await here.person(german);
  await person.open('/');
  await person.page.waitForSelector(`h1:text-is("${de.lobby.heading}")`);
  assert.equal(await person.page.getAttribute('html', 'lang'), 'de');
  await speaksGerman(person, 'front page');
  await person.page.fill('#room', 'ab');
  await person.press('join');
  await person.seesError('bad-room-name');
  await speaksGerman(person, 'a wrong name');
  await person.open(`/r/${newRoom()}`);
  await person.page.waitForSelector('[data-action="mic"][aria-pressed="true"]');
  await person.opens('settings');
  await speaksGerman(person, 'lobby with settings');
  await person.page.click(`button:text-is("${de.lobby.join}")`);
  await person.state('waiting');
  await speaksGerman(person, 'waiting');
  await person.press('leave');
  await person.state('left');
  await speaksGerman(person, 'left');
});

test('a call in German: each panel, each notice, nothing in English', async () => {
  const { people } = await here.group(['Ada', 'Bo', 'Cy'], newRoom(), {
    ...german,
    permissions: ['clipboard-read', 'clipboard-write', 'camera', 'microphone'],
  });
  const [ada, bo, cy] = people;
  await speaksGerman(ada, 'call');
  await cy.press('mic');
  await cy.press('camera');
  await cy.press('hand');
  await cy.press('screen');
  await ada.page.waitForSelector('[data-screen]');
  await ada.page.waitForSelector('.tile:has-text("Cy") .hand');
  await speaksGerman(cy, 'sharing');
  for (const panel of ['people', 'stats', 'settings', 'chat']) {
    await ada.opens(panel);
    if (panel === 'stats') await ada.page.waitForSelector('[data-panel="stats"] dd');
    if (panel === 'people') {
      await ada.manages('Cy');
      await ada.page.click('.person:has-text("Cy") [data-action="remove"]');
      await ada.press('close');
    }
    await speaksGerman(ada, panel);
  }
  await ada.page.focus('[data-action="mic"]');
  await ada.page.keyboard.press('?');
  await ada.page.waitForSelector('dialog');
  await speaksGerman(ada, 'keys');
  await ada.page.keyboard.press('?');
  await ada.write('Ahoi');
  await bo.glimpses('Ada: Ahoi');
  await bo.opens('people');
  await speaksGerman(bo, 'people, as a guest');
  await Promise.all([bo.glimpses(de.toasts.left('Cy')), cy.press('leave')]);
  await bo.inCall(1);
  await speaksGerman(bo, 'call of two');
});

test('who knocks, and who opens, reads German', async () => {
  const room = newRoom();
  const [host, guest] = [await here.person(german), await here.person(german)];
  await host.join(room, '&name=Ada');
  await host.state('waiting');
  await host.opens('people');
  await host.press('lobby');
  await host.pressed('lobby', true);
  await guest.join(room, '&name=Bo');
  await guest.state('knocking');
  await speaksGerman(guest, 'knocking');
  await host.page.waitForSelector('[data-knock]');
  await speaksGerman(host, 'somebody knocks');
  await host.page.click('[data-action="deny"]');
  await guest.seesError('denied');
  await speaksGerman(guest, 'declined');
});

test('every error is told in German', async () => {
  const person = await here.person(german);
  let code = '';
  await person.page.routeWebSocket('**/v1/ws', (socket) => {
    socket.onMessage(() => {
      socket.send(JSON.stringify({ type: 'error', code, message: 'in English', retry: false }));
      socket.close();
    });
  });
  for (code of Object.keys(de.errors)) {
    await person.join(newRoom());
    await person.seesError(code);
    await person.state('failed');
    await person.page.waitForSelector(`h1:text-is("${de.errors[code].title}")`);
    await speaksGerman(person, code);
  }
});

test('another language is a choice in the settings, without a reload, and is remembered', async () => {
  const person = await here.person();
  const room = newRoom();
  await person.join(room);
  await person.state('waiting');
  await person.page.evaluate(() => (globalThis.sameDocument = true));
  await person.opens('settings');
  await person.page.selectOption('#language', 'de');
  await person.page.waitForSelector(`[data-panel="settings"] h2:text-is("${de.settings.title}")`);
  assert.equal(await person.page.getAttribute('html', 'lang'), 'de');
  await speaksGerman(person, 'switched');
  await person.state('waiting');
  assert.equal(await person.page.evaluate(() => globalThis.sameDocument), true);
  await person.open(`/r/${room}?hl=en`);
  await person.page.waitForSelector(`[data-action="leave"][aria-label="${de.call.leave}"]`);
  await person.opens('settings');
  await person.page.selectOption('#language', 'en');
  await person.page.waitForSelector('[data-action="leave"][aria-label="Leave the call"]');
});

test('?hl= names a language for who has not chosen one', async () => {
  const person = await here.person();
  await person.open('/?hl=de');
  await person.page.waitForSelector(`h1:text-is("${de.lobby.heading}")`);
});
