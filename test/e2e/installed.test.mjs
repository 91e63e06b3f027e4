// The page as an app: what makes it one, and what it says when the server is gone.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newRoom } from './browser.mjs';
import { stage } from './fixture.mjs';
import { Server } from './server.mjs';

const here = stage();

const ready = (person) => person.page.evaluate(async () => void (await navigator.serviceWorker.ready));

test('Chromium finds nothing that keeps the page from being installed', async () => {
  const person = await here.person();
  await person.open('/');
  await ready(person);
  const session = await person.context.newCDPSession(person.page);
  const { errors, data } = await session.send('Page.getAppManifest');
  assert.deepEqual(errors, []);
  const { icons, start_url: start } = JSON.parse(data);
  assert.equal(start, '/');
  for (const { src, sizes, type, purpose } of icons) {
    const response = await person.context.request.get(new URL(src, here.server.url).href);
    assert.equal(response.status(), 200);
    assert.equal(response.headers()['content-type'], type);
    if (type === 'image/png') {
      const body = await response.body();
      assert.equal(`${body.readUInt32BE(16)}x${body.readUInt32BE(20)}`, sizes, `${purpose} ${src}`); // of IHDR
    }
  }
  const { installabilityErrors } = await session.send('Page.getInstallabilityErrors');
  // What playwright opens is a private window.
  assert.deepEqual(installabilityErrors.filter(({ errorId }) => errorId !== 'in-incognito'), []);
});

test('a page asked for while the server is gone says so, and goes on by itself when it is back', async () => {
  const server = await Server.start();
  const person = await here.person({ server });
  person.expectErrors(/ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|WebSocket/);
  const path = `/r/${newRoom()}#invite=key`;
  await person.open(path);
  await person.state('lobby');
  await ready(person);
  await server.stop();
  await person.page.reload();
  await person.state('offline');
  await person.page.waitForSelector('h1:has-text("The server cannot be reached")');
  await person.page.waitForFunction(() => getComputedStyle(document.querySelector('.brand-name')).fontWeight === '700');

  const { port, turnPort } = server;
  const again = await Server.start({ port, turnPort });
  await person.state('lobby');
  assert.equal(person.page.url(), `${again.url}${path}`);
  await person.close();
  here.people.pop();
  await again.stop();
});

test('nothing of a call is ever kept: what the cache holds is the word for no answer', async () => {
  const person = await here.person();
  await person.open('/');
  await ready(person);
  await person.open('/check'); // once more, with the service worker in between
  const kept = await person.page.evaluate(async () => {
    const names = await caches.keys();
    const requests = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
    return { names, paths: requests.flat().map(({ url }) => new URL(url).pathname) };
  });
  assert.equal(kept.names.length, 1);
  assert.match(kept.names[0], /^offline-[\w-]{10}$/);
  assert.equal(kept.paths.length, 4);
  for (const path of kept.paths) assert.match(path, /^\/offline$|^\/assets\/(offline|icon)-/);
});

test('no text becomes a script, in browsers that can see to it', async () => {
  const person = await here.person();
  for (const path of ['/', `/r/${newRoom()}`, '/check', '/offline']) {
    const response = await person.page.goto(`${here.server.url}${path}`);
    const policy = response.headers()['content-security-policy'];
    assert.match(policy, /; require-trusted-types-for 'script'; trusted-types ahoy$/);
    const thrown = await person.page.evaluate(async () => {
      const noticed = new Promise((resolve) => addEventListener('securitypolicyviolation', resolve));
      try {
        document.createElement('div').innerHTML = '<b>bold</b>';
        return '';
      } catch (error) {
        await noticed;
        globalThis.violations.pop(); // this one was wanted
        return error.name;
      }
    });
    assert.equal(thrown, 'TypeError', path);
  }
  person.expectErrors(/TrustedHTML/);
});
