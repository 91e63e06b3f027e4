// H: HTTP as only attackers and broken proxies write it.

import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { scratch } from '../conformance/scratch.mjs';
import { Server } from '../e2e/server.mjs';
import { many, MiB, until } from './attack.mjs';
import { besides, exchange, gauge, joined, memory, post, Wire } from './web.mjs';

let server;
before(async () => (server = await Server.start({ settings: ['server.address_connections=0', 'rooms.joins_per_minute=0', 'http.trusted_proxies=["127.0.0.9/32"]'] })));
after(() => server.stop());

const send = (bytes) => exchange(server.port, bytes);
const status = async (bytes) => (await send(bytes)).statuses[0];
const get = (fields = '', path = '/livez') => `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${fields}\r\n`;

test('H1 headers have a limit, and what is at it passes', async () => {
  // The limit is on the fields, with their ends; the first line comes on top.
  const whole = (size) => get(`X: ${'x'.repeat(size - get('X: \r\n').length)}\r\n`);
  assert.equal(whole(16_384).length, 16_384);
  assert.equal(await status(whole(16_384)), 200);
  assert.equal(await status(whole(16_384 + 256)), 431);
  assert.equal(await status(get('', `/${'x'.repeat(16_384)}`)), 431);
  assert.equal(await status(get('X: y\r\n'.repeat(3000))), 431);
  assert.equal(await status(get('X: y\r\n'.repeat(2000))), 200);
  const before = memory(server);
  const wire = await Wire.open({ port: server.port });
  wire.write('GET / HTTP/1.1\r\nHost: a\r\nX: ');
  const filler = Buffer.alloc(MiB, 'x');
  for (let i = 0; i < many(64, 1024) && !wire.ended; i++) {
    if (!wire.socket.write(filler)) await Promise.race([once(wire.socket, 'drain').catch(() => {}), wire.gone]);
  }
  await wire.gone;
  assert.ok(memory(server) - before < MiB, 'an endless header is not kept');
});

test('H2 a header that two readers may read differently is refused', async () => {
  const bad = ['X : y\r\n', 'X\r\n', ': y\r\n', 'X\0: y\r\n', 'X: a\0b\r\n', 'X: a\rb\r\n', '(X): y\r\n', 'X y: z\r\n', 'X: a\x01b\r\n', '\x0bX: y\r\n', 'X\t: y\r\n',
    'Content-Length : 5\r\n', 'Transfer-Encoding : chunked\r\n', ' X: y\r\n'];
  for (const field of bad) {
    const { statuses } = await send(get(field));
    assert.deepEqual(statuses, [400], JSON.stringify(field));
  }
  for (const line of ['GET  /livez HTTP/1.1', 'GET /livez  HTTP/1.1', 'GET /li vez HTTP/1.1', 'GET /livez\0 HTTP/1.1', 'G(T /livez HTTP/1.1', 'GET /livez HTTP/1.2', 'GET /livez HTTP/3.0',
    'GET /livez http/1.1', 'GET /livez HTTP/11', 'GET /livez\x7f HTTP/1.1']) {
    const { statuses } = await send(`${line}\r\nHost: a\r\nConnection: close\r\n\r\n`);
    assert.ok(statuses.length === 0 || statuses[0] === 400, `${JSON.stringify(line)}: ${statuses}`);
  }
});

test('H3 a body above 256 KiB is refused before it is read, in whatever way it comes', async () => {
  const head = 'POST /message/r/c HTTP/1.1\r\nHost: a\r\nConnection: close\r\n';
  assert.equal(await status(`${head}Content-Length: ${256 * 1024 + 1}\r\n\r\n`), 413);
  assert.equal(await status(`${head}Content-Length: ${256 * 1024 + 1}\r\nExpect: 100-continue\r\n\r\n`), 413);
  assert.equal(await status(`${head}Content-Length: 99999999999999\r\n\r\n`), 413);
  assert.equal(await status(`${head}Content-Length: ${256 * 1024}\r\n\r\n${'x'.repeat(256 * 1024)}`), 200);
  const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
  assert.equal(await status(`${head}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(5)}0\r\n\r\n`), 413);
  assert.equal(await status(`${head}Transfer-Encoding: chunked\r\n\r\n5;${'x'.repeat(MiB)}`), 431);
});

test('H4 slow requests end in time, and nobody waits for them', { timeout: 600_000 }, async (t) => {
  const count = many(300, 4000);
  const kinds = { headers: 'GET / HTTP/1.1\r\nHost: a\r\nX: ', bodies: 'POST /message/r/c HTTP/1.1\r\nHost: a\r\nContent-Length: 4096\r\n\r\n', silence: '' };
  const before = memory(server);
  await besides(t, server, async () => {
    const wires = (await Promise.all(Object.values(kinds).map((kind) => Promise.all(Array.from({ length: count / 3 }, async () => (await Wire.open({ port: server.port })).write(kind)))))).flat();
    const drip = setInterval(() => wires.slice(0, (2 * count) / 3).forEach((wire) => wire.write('x')), 1000);
    const since = performance.now();
    await until(() => wires.every((wire) => wire.ended), 'all are closed', 120_000);
    clearInterval(drip);
    t.diagnostic(`all ${wires.length} closed after ${((performance.now() - since) / 1000).toFixed(0)} s, ${((memory(server) - before) / MiB).toFixed(1)} MiB`);
  });
  // Who asks for much and does not read it.
  const lazy = await Wire.open({ port: server.port, reads: false });
  lazy.socket.pause();
  const ask = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(2000);
  lazy.write(ask);
  await until(async () => (await gauge(server, 'ahoy_http_connections')) <= 2 || lazy.ended, 'who does not read is given up', 120_000).finally(() => lazy.end());
  assert.ok(memory(server) - before < 32 * MiB);
});

test('H5 requests in one segment are answered in their order', async () => {
  const count = 10_000;
  const before = memory(server);
  const asked = Array.from({ length: count }, (_, i) => `GET /${i % 2 ? 'livez' : 'nothing'} HTTP/1.1\r\nHost: a\r\n${i === count - 1 ? 'Connection: close\r\n' : ''}\r\n`);
  const { statuses } = await send(asked.join(''));
  assert.equal(statuses.length, count);
  assert.ok(statuses.every((code, i) => code === (i % 2 ? 200 : 404)));
  assert.ok(memory(server) - before < 4 * MiB);
});

const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

test('H6 a body whose end can be read in two ways ends the connection', { timeout: 900_000 }, async () => {
  const post = (fields, body = '') => `POST /message/r/c HTTP/1.1\r\nHost: a\r\n${fields}\r\n${body}${smuggled}`;
  const cl = ['+5', '-5', '0x5', '5,5', '5 5', '5;', '', ' ', '5\x0b', '5.0', '1e1', '18446744073709551621', '99999999999999999999', 'five'];
  const te = ['xchunked', 'chunked, identity', 'identity, chunked', 'identity', 'chunked chunked', 'chunked\x0b', '\x0bchunked', '"chunked"', 'chunked;q=1', 'gzip', 'gzip, chunked', '', ','];
  const fields = [
    ...cl.map((value) => `Content-Length: ${value}\r\n`),
    ...te.map((value) => `Transfer-Encoding: ${value}\r\n`),
    'Content-Length: 3\r\nContent-Length: 4\r\n', 'Content-Length: 3\r\nContent-Length: 3\r\n', 'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n', 'Transfer-Encoding: chunked\r\nContent-Length: 4\r\n',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n',
    'Transfer-Encoding:\r\n chunked\r\nContent-Length: 4\r\n', 'Content-Length: 3\r\nContent-Length : 4\r\n',
  ];
  for (const field of fields) {
    const { statuses } = await send(post(field));
    assert.equal(statuses.length, 1, `${JSON.stringify(field)}: ${statuses}`);
    assert.ok(statuses[0] >= 400, `${JSON.stringify(field)}: ${statuses}`);
  }
  const chunks = ['5\nhello\n0\n\n', '5\r\nhello0\r\n\r\n', '5\r\nhelloXX0\r\n\r\n', '0x5\r\nhello\r\n0\r\n\r\n', '-5\r\nhello\r\n0\r\n\r\n', '+5\r\nhello\r\n0\r\n\r\n', '5 5\r\nhello\r\n0\r\n\r\n',
    '10000000000000005\r\nhello\r\n0\r\n\r\n', 'FFFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n', '\r\nhello\r\n0\r\n\r\n', '5\rhello\r0\r\r', 'g\r\nhello\r\n0\r\n\r\n'];
  for (const body of chunks) {
    const { statuses } = await send(post('Transfer-Encoding: chunked\r\n', body));
    assert.ok(statuses.length <= 1 && !statuses.includes(200), `${JSON.stringify(body)}: ${statuses}`);
  }
  // What is damaged anywhere is one request at most that leads to more than a refusal.
  const whole = post('Transfer-Encoding: chunked\r\n', '5\r\nhello\r\n0\r\n\r\n');
  let seed = 1;
  const dice = (n) => (seed = (seed * 48_271) % 2_147_483_647) % n;
  const strange = ['\r', '\n', '\0', ' ', '\t', ':', ',', ';', '0', '9', 'a', '\x0b', '\x80', ''];
  // Many wait until their time is up, since what they seem to announce does not come.
  const damage = async () => {
    const at = dice(whole.indexOf(smuggled));
    const damaged = whole.slice(0, at) + strange[dice(strange.length)] + whole.slice(at + dice(2));
    const { statuses } = await exchange(server.port, Buffer.from(damaged, 'latin1'));
    assert.ok(statuses.length <= 2, `${JSON.stringify(damaged)}: ${statuses}`);
  };
  const atOnce = many(500, 2_500);
  for (let i = 0; i < many(1, 4); i++) await Promise.all(Array.from({ length: atOnce }, damage));
});

test('H7 strange hosts, targets and versions', async () => {
  const line = (text, rest = 'Host: a\r\n') => `${text}\r\n${rest}Connection: close\r\n\r\n`;
  assert.equal(await status(line('GET /livez HTTP/1.1', '')), 400);
  assert.equal(await status(line('GET /livez HTTP/1.1', 'Host: a\r\nHost: a\r\n')), 400);
  assert.equal(await status(line('GET http://other.example.org/livez HTTP/1.1')), 200);
  assert.equal(await status('GET /livez HTTP/1.0\r\n\r\n'), 200);
  assert.equal(await status('GET /livez HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /livez HTTP/1.0\r\n\r\n'), 200);
  for (const target of ['*', 'a.example.org:443', 'livez', 'ftp://a/livez']) {
    const code = await status(line(`OPTIONS ${target} HTTP/1.1`));
    assert.ok(code === 400 || code === 404 || code === 405 || code === 200, `${target}: ${code}`);
  }
  assert.notEqual(await status(line('CONNECT a.example.org:443 HTTP/1.1')), 200);
  assert.notEqual(await status('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), 200);
  assert.equal((await send('GET /livez\r\n\r\n')).statuses.includes(200), false);
  for (const host of ['a"onload=', '<script>', "a'b", 'a\\b', 'a b', 'a/b', '[::1', 'a@b']) {
    const { text } = await send(`POST /join/host HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    assert.ok(!text.includes(host), `${host} is handed back`);
  }
});

test('H8 no path leads out of the page', async () => {
  const secret = 'planted-secret';
  writeFileSync(join(scratch(), 'secret'), secret);
  const ups = ['../', '..%2f', '%2e%2e/', '%2e%2e%2f', '..%5c', '..\\', '%c0%ae%c0%ae/', '%252e%252e%252f', '....//', '..;/', '.%00./', '..%c1%9c', '%uff0e%uff0e/', '/./../'];
  const targets = [`${scratch()}/secret`.slice(1), 'etc/passwd', 'proc/self/environ', '.git/config', 'dev/zero', 'windows/win.ini'];
  const prefixes = many(['/', '/r/'], ['/', '/assets/', '/r/', '/join/', '/a/', '//', '/collider/']);
  for (const prefix of prefixes) {
    for (const up of ups) {
      for (const target of targets) {
        const { text, statuses } = await send(get('', `${prefix}${up.repeat(8)}${target}`));
        assert.ok(!text.includes(secret) && !/root:.*:0:0|PATH=|\[core\]/.test(text), prefix + up + target);
        assert.ok(statuses.length === 1, prefix + up + target);
      }
    }
  }
  for (const path of ['//etc/passwd', '/.git/HEAD', '/assets/', '/..', '/.', `/${'a/'.repeat(2000)}`, '/%00', '/index.html%00.js', '/robots.txt/']) {
    assert.ok((await status(get('', path))) >= 200);
  }
});

test('H9 no parameter makes the server ask anybody, and none is handed to anybody else', async () => {
  let asked = 0;
  const trap = createServer((socket) => (asked += 1, socket.destroy())).listen(0, '127.0.0.1');
  await once(trap, 'listening');
  const to = `127.0.0.1:${trap.address().port}`;
  const query = `wshpp=${to}&wstls=false&ts=http://${to}&apikey=${to}&it=${to}&tt=${to}&audio=<script>&video=";alert(1)//`;
  const own = JSON.parse((await post(server, `/join/ssrf?${query}`)).text).params;
  assert.equal(own.wss_url, `ws://${to}/ws`);
  for (const path of [`/message/ssrf/${own.client_id}`, `/leave/ssrf/${own.client_id}`, '/v1alpha/iceconfig', '/turn', '/a/']) {
    await post(server, `${path}?${query}`, { body: 'x' });
  }
  const other = await joined(server, 'ssrf', { registers: false });
  const seen = (await post(server, '/join/ssrf')).text + JSON.stringify(other);
  assert.ok(!seen.includes(to), 'what one asked for is nobody else’s');
  const page = await send(get('', `/r/ssrf?${query}`));
  assert.ok(!page.text.includes(to) && !page.text.includes('alert(1)'), 'the page is the same for all');
  trap.close();
  assert.equal(asked, 0);
});

test('H10 a method is what a path allows, and a foreign page gets nothing where pages are named', async (t) => {
  for (const [path, allowed] of [['/join/m', 'POST'], ['/message/m/c', 'POST'], ['/leave/m/c', 'POST'], ['/params', 'GET']]) {
    for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'TRACE', 'PROPFIND']) {
      const code = await status(`${method} ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\nX-HTTP-Method-Override: ${allowed}\r\n\r\n`);
      assert.equal(code === 200, method === allowed, `${method} ${path}: ${code}`);
    }
  }
  const strict = await Server.start({ settings: ['http.origins=["https://call.example.org"]', 'http.listen=["127.0.0.1:0"]'] });
  t.after(() => strict.stop());
  for (const origin of ['https://evil.example.org', 'null']) {
    for (const path of ['/join/m', '/collider/m/c', '/v1alpha/iceconfig', '/turn']) {
      assert.equal((await post(strict, path, { headers: { Origin: origin }, body: 'x' })).status, 403, path);
    }
  }
  assert.equal(await gauge(strict, 'ahoy_rooms'), 0, 'nothing was touched');
});

test('H11 a thousand ranges are one answer', async () => {
  const ranges = Array.from({ length: 1000 }, (_, i) => `${i}-${i + 1}`).join(',');
  const { text, statuses } = await send(get(`Range: bytes=${ranges}\r\n`, '/'));
  assert.deepEqual(statuses, [200]);
  assert.doesNotMatch(text, /multipart/);
});

test('H12 other origins may read what the wire demands, without credentials, and nothing else', async () => {
  const open = ['/status', '/v1alpha/iceconfig', '/turn', '/collider/a/b'];
  for (const path of [...open, '/params', '/', '/livez', '/metrics']) {
    const reply = await fetch(server.url + path, { headers: { Origin: 'https://evil.example.org' } });
    await reply.arrayBuffer();
    assert.equal(reply.headers.get('access-control-allow-origin'), open.includes(path) ? '*' : null, path);
    assert.equal(reply.headers.get('access-control-allow-credentials'), null, path);
  }
});

test('H13 only a trusted proxy says who and what somebody is', async () => {
  const forged = 'X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example.org\r\nForwarded: for=203.0.113.7;host=evil.example.org\r\n';
  const { text } = await send(`POST /join/xff HTTP/1.1\r\nHost: a.example.org\r\nConnection: close\r\n${forged}\r\n`);
  assert.ok(text.includes('http://a.example.org/r/xff') && !text.includes('evil.example.org'), text);
  const proxy = await Wire.open({ port: server.port, localAddress: '127.0.0.9' });
  proxy.write(`POST /join/xff2 HTTP/1.1\r\nHost: a.example.org\r\nConnection: close\r\nX-Forwarded-Proto: https\r\n\r\n`);
  await proxy.gone;
  assert.ok(proxy.text.includes('https://a.example.org/r/xff2'), proxy.text);
});
