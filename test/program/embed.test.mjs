// Who may show a call in a frame (http.embed_origins), as browsers are told.

import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { Server } from '../e2e/server.mjs';

const origins = ['https://shop.example.org', 'http://localhost:3000'];
let open;
let closed;
before(async () => {
  open = await Server.start({ settings: [`http.embed_origins=${JSON.stringify(origins)}`] });
  closed = await Server.start();
});
after(() => Promise.all([open.stop(), closed.stop()]));

async function framing(server, path) {
  const reply = await fetch(`${server.url}${path}`);
  assert.equal(reply.status, 200, path);
  return reply.headers
    .get('content-security-policy')
    .split('; ')
    .filter((directive) => directive.startsWith('frame-ancestors'));
}

test('a call under /embed/ may be framed by exactly those of the list, and nothing else may', async () => {
  assert.deepEqual(await framing(open, '/embed/daily'), [`frame-ancestors ${origins.join(' ')}`]);
  assert.deepEqual(await framing(open, '/embed/daily?autojoin=1'), [`frame-ancestors ${origins.join(' ')}`]);
  for (const path of ['/', '/r/daily', '/r/embed', '/r//embed/daily']) {
    assert.deepEqual(await framing(open, path), ["frame-ancestors 'none'"], path);
  }
});

test('without a list nobody may frame anything', async () => {
  for (const path of ['/', '/r/daily', '/embed/daily']) {
    assert.deepEqual(await framing(closed, path), ["frame-ancestors 'none'"], path);
  }
});

test('the framed page can ask whom it may talk to', async () => {
  assert.deepEqual(await (await fetch(`${open.url}/v1/embed`)).json(), { origins });
  assert.deepEqual(await (await fetch(`${closed.url}/v1/embed`)).json(), { origins: [] });
});

test('a framed call has the same strict policy as any other', async () => {
  const policy = async (path) => {
    const { headers } = await fetch(`${open.url}${path}`);
    const rest = headers.get('content-security-policy').split('; ').filter((d) => !d.startsWith('frame-ancestors'));
    return [rest, headers.get('permissions-policy'), headers.get('referrer-policy')];
  };
  assert.deepEqual(await policy('/embed/daily'), await policy('/r/daily'));
});
