// Browsers that may use nothing but the relay, over each transport that they have for it.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { certify, shows, trust } from '../authority.mjs';
import { relayedPair } from '../relayed_pair.mjs';
import { launch, patience } from './browser.mjs';
import { executable as firefox, Firefox } from './firefox.mjs';
import { Server } from './server.mjs';

const count = 100;
const size = 1000;

// The URLs that the page is told, by what getStats calls them.
const transports = {
  udp: /^turn:.*transport=udp/,
  tcp: /^turn:.*transport=tcp/,
  tls: /^turns:.*transport=tcp/,
};

let folder;
let server;
let authority;

const browsers = {
  Chromium: {
    skip: false,
    // Chromium's own trust is in the NSS database of its user.
    async open() {
      const database = join(folder, '.pki/nssdb');
      mkdirSync(database, { recursive: true });
      await trust(authority, database);
      return launch({ env: { ...process.env, HOME: folder } });
    },
  },
  Firefox: {
    skip: existsSync(firefox) ? false : `${firefox} is not installed`,
    open: () => Firefox.launch({ prepare: (profile) => trust(authority, profile) }),
  },
};

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ahoy-relay-'));
  // Over TLS Firefox uses a server that has a name, and no other.
  authority = await certify(folder, 'DNS:turn.localhost');
  server = await Server.start({
    settings: [...shows(authority), 'turn.tls_listen=["127.0.0.1:0"]', 'turn.relay_addresses=["127.0.0.1"]',
      'turn.public_host="turn.localhost"'],
  });
  for (const browser of Object.values(browsers)) {
    if (!browser.skip) browser.opened = await browser.open();
  }
});
after(async () => {
  for (const { opened } of Object.values(browsers)) await opened?.close();
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function iceServers(pattern) {
  const answer = await fetch(`${server.url}/v1alpha/iceconfig`, { method: 'POST' });
  return (await answer.json()).iceServers
    .map((each) => ({ ...each, urls: each.urls.filter((url) => pattern.test(url)) }))
    .filter((each) => each.urls.length > 0);
}

/** Each end was relayed over this transport, and everything came. */
function assertRelayed(used, over) {
  for (const end of used) {
    assert.equal(end.local, 'relay');
    assert.equal(end.remote, 'relay');
    assert.equal(end.over, over);
    assert.ok(end.sent >= count * size && end.received >= count * size, JSON.stringify(end));
  }
}

for (const [name, browser] of Object.entries(browsers)) {
  for (const [over, pattern] of Object.entries(transports)) {
    test(`${name} is relayed over ${over.toUpperCase()}`, { skip: browser.skip, timeout: patience }, async () => {
      const page = await browser.opened.newPage();
      await page.goto(`${server.url}/livez`);
      const wanted = { iceServers: await iceServers(pattern), count, size };
      assert.equal(wanted.iceServers.length, 1);
      assertRelayed(await page.evaluate(relayedPair, wanted), over);
      await page.close();
    });
  }
}
