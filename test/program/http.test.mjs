// HTTP as only an attacker or an old client writes it.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import test, { after, before } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { Server } from '../e2e/server.mjs';

let server;
before(async () => (server = await Server.start()));
after(() => server.stop());

/** Sends the bytes, and returns everything until the server closes. */
function exchange(bytes) {
  const socket = connect(server.port, '127.0.0.1');
  socket.write(bytes);
  return text(socket);
}

const status = (reply) => Number(/^HTTP\/1\.[01] (\d+)/.exec(reply)?.[1]);
const statuses = (replies) => [...replies.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map((match) => Number(match[1]));

test('a client that expects 100-continue gets it, without a body', async () => {
  const reply = await exchange(
    'POST /message/r/c HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello',
  );
  assert.ok(reply.startsWith('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200'), reply);
});

test('a body whose length can be read in two ways is refused, and nothing after it runs', async () => {
  const smuggled = 'GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
  const refused = [
    'Transfer-Encoding: xchunked',
    'Transfer-Encoding: identity',
    'Transfer-Encoding: chunked, identity',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding: chunked\r\nContent-Length: 3',
    'Content-Length: 3\r\nContent-Length: 4',
    'Content-Length: 3\r\nContent-Length: 3',
    'Content-Length: 3, 3',
    'Content-Length: +3',
    'Content-Length: 0x3',
  ];
  for (const fields of refused) {
    const replies = await exchange(`POST /join/tea HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\n${smuggled}`);
    assert.deepEqual(statuses(replies), [400], fields);
  }
  const old = await exchange('POST /join/tea HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n');
  assert.equal(status(old), 400);
});

test('a host is said exactly once', async () => {
  assert.equal(status(await exchange('GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n')), 400);
  assert.equal(status(await exchange('GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n')), 400);
  assert.equal(status(await exchange('GET /livez HTTP/1.0\r\n\r\n')), 200);
});

test('a whole URL may stand for the path', async () => {
  const reply = await exchange('GET http://call.example.org/livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  assert.equal(status(reply), 200);
});

test('a request without end is not collected without end', async () => {
  const head = 'POST /join/tea HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
  const filler = 'x'.repeat(1 << 20);
  assert.equal(status(await exchange(`${head}5;${filler}`)), 431);
  assert.equal(status(await exchange(`${head}0\r\nTrailer: ${filler}`)), 431);
  assert.equal(status(await exchange(`GET /livez HTTP/1.1\r\nHost: a\r\nX: ${filler}`)), 431);
  const fields = 'X: y\r\n'.repeat(3000);
  assert.equal(status(await exchange(`GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${fields}\r\n`)), 431);
});

test('what is no HTTP at all is closed', async () => {
  assert.equal(await exchange('\x05\x01\x00'), '');
  assert.equal(await exchange('hello'), '');
});

test('a TLS hello may come byte by byte', async (t) => {
  const secure = await Server.start({ settings: ['tls.listen=["127.0.0.1:0"]'] });
  t.after(() => secure.stop());
  const port = Number(/\bhttps=127\.0\.0\.1:(\d+)/.exec(secure.log)[1]);
  const slow = createServer((client) => {
    const server = connect({ port, host: '127.0.0.1', noDelay: true });
    for (const socket of [client, server]) socket.on('error', () => {});
    server.pipe(client);
    // One at a time up to the middle of the handshake, and then as they come.
    let left = 600;
    client.on('data', (bytes) => {
      for (const byte of bytes.subarray(0, left)) server.write(Buffer.of(byte));
      server.write(bytes.subarray(left));
      left = Math.max(0, left - bytes.length);
    }).on('close', () => server.destroy());
  }).listen(0, '127.0.0.1');
  t.after(() => slow.close());
  await once(slow, 'listening');
  const socket = connectTls({ port: slow.address().port, host: '127.0.0.1', rejectUnauthorized: false });
  socket.write('GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  assert.match(await text(socket), /^HTTP\/1\.1 200[^]*ok/);
});
