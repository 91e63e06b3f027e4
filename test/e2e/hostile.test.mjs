// Hostile strings in every text that a person or a stranger can fill: they stay text, and the page stays whole.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newRoom } from './browser.mjs';
import { stage } from './fixture.mjs';
import { hostile } from './hostile.mjs';

const here = stage();

test('there are five hundred of them', () => assert.equal(hostile.length, 500));

/** Runs in the page: what none of its texts may have become. */
function installWatch() {
  const foreign =
    'img, iframe, object, embed, script, style, base, meta, link, math, template, details, marquee, form[action], ' +
    '[onerror], [onload], [onmouseover], [onfocus], [ontoggle], [onbegin], [srcdoc], animate';
  globalThis.whole = () => {
    const found = [...document.body.querySelectorAll(foreign)].map((e) => e.outerHTML.slice(0, 100));
    const links = [...document.querySelectorAll('.line a, main a')].filter((a) => !/^https?:$/.test(a.protocol));
    if (globalThis.harmed) found.push('something ran');
    if ({}.polluted) found.push('the prototype of all objects');
    for (const { outerHTML } of links) found.push(outerHTML);
    if (!document.querySelector('main')) found.push('no page any more');
    if (document.documentElement.scrollWidth > innerWidth) found.push(`${document.documentElement.scrollWidth} px wide`);
    return found;
  };
  /** What was changed has been drawn, if not painted. */
  globalThis.drawn = () =>
    new Promise((resolve) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = resolve;
      port2.postMessage(null);
    });
  /** As if it had been typed. */
  globalThis.fill = async (selector, text) => {
    const field = document.querySelector(selector);
    field.value = text;
    field.dispatchEvent(new InputEvent('input', { bubbles: true }));
    await globalThis.drawn();
    return field;
  };
}

/** A server of our own, which lets everybody in and says what a test wants. */
async function standIn(person) {
  const server = { hellos: [], seq: 0, socket: null, answer: null };
  server.event = (event) => server.socket.send(JSON.stringify({ seq: (server.seq += 1), ...event }));
  server.welcome = ({ room, name }) => ({
    type: 'welcome',
    seq: (server.seq = 0),
    received: 0,
    you: { id: 1, name, role: 'host', mic: true, camera: true },
    room: { name: room, capacity: 8 },
    participants: [{ id: 2, name: 'Bo', role: 'guest', connected: true, offer: false, mic: false, hand: true }],
    chat: [],
    ice_servers: [],
    resume: 'key',
    resume_timeout: 30_000,
  });
  await person.page.routeWebSocket('**/v1/ws', (socket) => {
    server.socket = socket;
    let lines = 0;
    socket.onMessage((data) => {
      const frame = JSON.parse(data);
      if (frame.type === 'hello') {
        server.hellos.push(frame);
        socket.send(JSON.stringify((server.answer ?? server.welcome)(frame)));
        if (server.answer) socket.close();
      } else if (frame.type === 'ping') {
        socket.send(JSON.stringify({ type: 'pong', time: frame.time }));
      } else if (frame.id) {
        const line = { type: 'chat', n: (lines += 1), from: 1, name: 'Ada', text: frame.text, time: Date.now() };
        if (frame.type === 'chat') server.event(line);
        socket.send(JSON.stringify({ type: 'ack', id: frame.id }));
      }
    });
  });
  await person.page.addInitScript(installWatch);
  return server;
}

/** Somebody in front of the door, whose page is looked at for what must not be there. */
async function watched() {
  const person = await here.person();
  await person.page.addInitScript(installWatch);
  await person.open('/');
  await person.state('lobby');
  return person;
}

test('in the fields before a call', async () => {
  const person = await watched();
  const harm = await person.page.evaluate(async (all) => {
    for (const text of all) {
      await globalThis.fill('#name', text);
      // No name of a room begins so: one that is good would be entered.
      const field = await globalThis.fill('#room', `<${text}`);
      field.form.requestSubmit();
      await globalThis.drawn();
      const found = globalThis.whole();
      if (!document.querySelector('[data-error="bad-room-name"]')) found.push('nothing was wrong with it');
      if (found.length > 0) return [text, ...found];
    }
    return [];
  }, hostile);
  assert.deepEqual(harm, []);
  await person.page.fill('#name', 'Ada');
  await person.page.fill('#room', newRoom());
  await person.press('join');
  await person.state('waiting');
});

test('as the name of a room in the address', async () => {
  const person = await watched();
  const harm = await person.page.evaluate(async (all) => {
    for (const text of all) {
      const name = encodeURIComponent(text.replaceAll(/\p{Cs}/gu, '?')) || '%ff';
      history.pushState(null, '', `/r/${name}`);
      dispatchEvent(new PopStateEvent('popstate'));
      await globalThis.drawn();
      const found = globalThis.whole();
      if (document.body.dataset.state !== 'lobby') found.push(document.body.dataset.state);
      if (found.length > 0) return [text, ...found];
    }
    return [];
  }, hostile);
  assert.deepEqual(harm, []);
  await person.open(`/r/${encodeURIComponent(hostile.at(-1))}`);
  await person.press('join');
  await person.seesError('bad-room-name');
});

test('in the chat, and as one’s own name in a call', async () => {
  const person = await here.person();
  await standIn(person);
  await person.join(newRoom());
  await person.state('waiting');
  await person.opens('chat');
  const harm = await person.page.evaluate(async (all) => {
    for (const text of all) {
      const field = await globalThis.fill('.compose textarea', text);
      field.form.requestSubmit();
    }
    await globalThis.drawn();
    return globalThis.whole();
  }, hostile);
  assert.deepEqual(harm, []);
  const written = hostile.map((text) => text.trim().replaceAll(/\r\n?/g, '\n')).filter(Boolean);
  await person.page.waitForFunction(
    (count) => document.querySelectorAll('.line:not(.sending)').length === count,
    Math.min(500, written.length),
  );
  const shown = await person.page.$$eval('.line > p:last-child', (all) => all.map((p) => p.textContent));
  assert.equal(shown.at(-1), written.at(-1), 'each as it was written');
  assert.deepEqual(await person.page.evaluate(() => globalThis.whole()), []);
  await person.opens('settings');
  const named = await person.page.evaluate(async (all) => {
    for (const text of all) {
      await globalThis.fill('#call-name', text);
      const found = globalThis.whole();
      if (found.length > 0) return [text, ...found];
    }
    return [];
  }, hostile);
  assert.deepEqual(named, []);
});

test('from a stranger: as a name, in the chat, at the door, in the name of a file', async () => {
  const person = await here.person();
  const server = await standIn(person);
  await person.join(newRoom());
  await person.state('waiting');
  await person.opens('people');
  for (const [i, text] of hostile.entries()) {
    const name = text.slice(0, 64);
    server.event({ type: 'changed', id: 2, name });
    if (i > 0) server.event({ type: 'knock_over', knock: 100 + i - 1 });
    server.event({ type: 'knock', knock: 100 + i, name });
    server.event({ type: 'chat', n: i + 1, from: 2, name, text, time: 1_000 * i });
    const harm = await person.page.evaluate(async (knock) => {
      while (!document.querySelector(`.knocker[data-knock="${knock}"]`)) await globalThis.drawn();
      return globalThis.whole();
    }, 100 + i);
    assert.deepEqual(harm, [], text);
  }
  await person.opens('chat');
  await person.page.waitForFunction(() => document.querySelectorAll('.line').length === 500);
  const shown = await person.page.$$eval('.line > p:last-child', (all) => all.map((p) => p.textContent));
  assert.deepEqual(
    shown.map((text, i) => text === hostile[i] || [text, hostile[i]]).filter((same) => same !== true),
    [],
    'each is shown as it is',
  );
  assert.deepEqual(await person.page.evaluate(() => globalThis.whole()), []);
});

test('as a token, and as what a server may answer', async () => {
  const person = await here.person();
  const server = await standIn(person);
  await person.page.addInitScript(() => {
    Object.defineProperty(navigator, 'mediaDevices', { value: undefined }); // they take their time
  });
  let code = '';
  server.answer = () => ({ type: 'error', code, message: code, retry: false });
  const room = newRoom();
  await person.open(`/r/${room}`);
  await person.page.waitForSelector('[data-action="join"]:not(:disabled)');
  const wellFormed = hostile.map((text) => text.replaceAll(/\p{Cs}/gu, '?'));
  for (const [i, text] of wellFormed.entries()) {
    code = text;
    const harm = await person.page.evaluate(
      async ([name, token]) => {
        history.replaceState(null, '', `/r/${name}#token=${encodeURIComponent(token)}`);
        dispatchEvent(new PopStateEvent('popstate'));
        const when = async (state) => {
          while (document.body.dataset.state !== state) await globalThis.drawn();
        };
        await when('lobby');
        document.querySelector('[data-action="join"]').click();
        await when('failed');
        return globalThis.whole();
      },
      [room, text],
    );
    assert.deepEqual(harm, [], text);
    assert.equal(server.hellos[i].token ?? '', text, 'the token is sent as it is');
  }
  await person.seesError('server-refused');
});
