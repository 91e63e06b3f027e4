// The program as an operator uses it: its commands, exit statuses, messages and signals.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { Server } from '../e2e/server.mjs';

const binary = process.env.AHOY_BIN ?? fileURLToPath(new URL('../../build/release/ahoy', import.meta.url));

/** Runs to the end; a command that wrongly serves is ended after the time limit. */
function run(...args) {
  return new Promise((resolve) => {
    execFile(binary, args, { timeout: 20_000 }, (error, stdout, stderr) => {
      resolve({ status: error ? error.code : 0, stdout, stderr });
    });
  });
}

async function withFile(text, action) {
  const folder = await mkdtemp(join(tmpdir(), 'ahoy-'));
  const file = join(folder, 'ahoy.toml');
  await writeFile(file, text);
  try {
    return await action(file);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('--version and default-config print and succeed', async () => {
  const version = await run('--version');
  assert.equal(version.status, 0);
  assert.match(version.stdout, /^ahoy \d+\.\d+\.\d+\n$/);
  const defaults = await run('default-config');
  assert.equal(defaults.status, 0);
  assert.match(defaults.stdout, /^\[turn\]$/m);
  const checked = await withFile(defaults.stdout, (file) => run('check-config', file));
  assert.equal(checked.status, 0, checked.stderr);
});

test('bad arguments and configurations end with status 2 and say what is right', async () => {
  assert.equal((await run()).status, 2);
  assert.equal((await run('sail')).status, 2);
  const unknown = await withFile('[turn]\nrelm = "x"\n', (file) => run('check-config', file));
  assert.equal(unknown.status, 2);
  assert.match(unknown.stderr, /ahoy\.toml:2: turn\.relm: unknown key; the nearest known one is turn\.realm/);
  const wrong = await run('serve', '--set', 'rooms.lifetime=soon');
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /rooms\.lifetime: found "soon", expected a duration such as/);
  const unreadable = await run('serve', '--set', 'tls.listen=["127.0.0.1:0"]',
    '--set', 'tls.certificate=/nowhere.pem', '--set', 'tls.key=/nowhere.pem',
    '--set', 'http.listen=[]', '--set', 'turn.listen=[]');
  assert.equal(unreadable.status, 2);
  assert.match(unreadable.stderr, /tls\.certificate: \/nowhere\.pem: No such file/);
});

test('a port in use is named with its key and a remedy', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address();
  const taken = await run('serve', '--set', `http.listen=["127.0.0.1:${port}"]`, '--set', 'turn.listen=[]');
  other.close();
  assert.equal(taken.status, 2);
  assert.match(taken.stderr, new RegExp(`http\\.listen: cannot listen on TCP 127\\.0\\.0\\.1:${port}: another program`));
});

test('a second server on the same UDP port is refused, although ports can be shared', async () => {
  const first = await Server.start();
  const second = await run('serve', '--set', 'http.listen=[]', '--set', `turn.listen=["127.0.0.1:${first.turnPort}"]`);
  await first.stop();
  assert.equal(second.status, 2);
  assert.match(second.stderr, /turn\.listen: cannot listen on UDP/);
});

test('health, metrics and Collider counters answer; unknown paths do not', async () => {
  const server = await Server.start();
  assert.equal(await (await fetch(`${server.url}/livez`)).text(), 'ok\n');
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  assert.match(metrics, /^ahoy_turn_allocations 0$/m);
  assert.match(metrics, /^ahoy_turn_allocations_total\{transport="dtls",family="both"\} 0$/m);
  assert.match(metrics, /^ahoy_turn_relayed_ports 0$/m);
  assert.match(metrics, /^ahoy_turn_allocation_seconds_bucket\{le="600"\} 0$/m);
  assert.match(metrics, /^ahoy_turn_allocation_seconds_count 0$/m);
  assert.match(metrics, /^ahoy_turn_dropped_total\{reason="malformed"\} 0$/m);
  const status = await (await fetch(`${server.url}/status`)).json();
  assert.equal(status.openws, 0);
  assert.equal((await fetch(`${server.url}/etc/passwd`)).status, 404);
  assert.equal((await fetch(`${server.url}/join/tea`)).status, 405);
  for (const path of ['/', '/livez', '/readyz', '/metrics', '/v1/embed']) {
    assert.equal((await fetch(`${server.url}${path}`, { method: 'POST' })).status, 405, path);
  }
  await server.stop();
});

test('the page comes with a strict policy, compressed where that is wanted', async () => {
  const server = await Server.start();
  for (const path of ['/', '/r/tea']) {
    const page = await fetch(server.url + path);
    assert.equal(page.status, 200);
    const policy = page.headers.get('content-security-policy');
    assert.match(policy, /default-src 'none'; script-src 'self'/);
    assert.doesNotMatch(policy, /unsafe/);
    assert.equal(page.headers.get('content-encoding'), 'gzip');
    assert.match(await page.text(), /<!doctype html>/i);
  }
  await server.stop();
});

test('two clients of the original protocol exchange an offer and an answer', async () => {
  const server = await Server.start();
  const join = async () => (await (await fetch(`${server.url}/join/tea`, { method: 'POST' })).json());
  const first = await join();
  assert.equal(first.result, 'SUCCESS');
  assert.equal(first.params.is_initiator, 'true');
  const offer = '{"type":"offer","sdp":"v=0"}';
  const sent = await fetch(`${server.url}/message/tea/${first.params.client_id}`, { method: 'POST', body: offer });
  assert.equal((await sent.json()).result, 'SUCCESS');
  const second = await join();
  assert.equal(second.params.is_initiator, 'false');
  assert.deepEqual(second.params.messages, [offer]);
  assert.equal((await join()).result, 'FULL');
  const stranger = await fetch(`${server.url}/message/tea/invented`, { method: 'POST', body: offer });
  assert.notEqual((await stranger.json()).result, 'SUCCESS');
  await server.stop();
});

test('bodies over the limit are refused, and what is not HTTP too', async () => {
  const server = await Server.start();
  const large = await fetch(`${server.url}/message/tea/x`, { method: 'POST', body: 'x'.repeat(300 * 1024) }).catch(() => null);
  if (large) assert.equal(large.status, 413);
  assert.equal((await fetch(`${server.url}/livez`)).status, 200);
  await server.stop();
});

for (const signal of ['SIGTERM', 'SIGINT']) {
  test(`${signal} stops it with status 0`, async () => {
    const child = spawn(binary, ['serve', '--set', 'http.listen=["127.0.0.1:0"]', '--set', 'turn.listen=["127.0.0.1:0"]'],
      { stdio: ['ignore', 'pipe', 'pipe'] });
    let log = '';
    child.stderr.on('data', (text) => (log += text));
    await once(child.stdout, 'data'); // it says when it is ready
    child.kill(signal);
    const [status] = await once(child, 'exit');
    assert.equal(status, 0, log);
    assert.match(log, new RegExp(`event=server.stopping reason=${signal}`));
  });
}

test('SIGHUP reads the configuration again and keeps the old one when it is wrong', async () => {
  await withFile('[turn]\nrealm = "ahoy"\n', async (file) => {
    const child = spawn(binary, ['serve', '--config', file, '--set', 'http.listen=["127.0.0.1:0"]', '--set', 'turn.listen=["127.0.0.1:0"]'],
      { stdio: ['ignore', 'pipe', 'pipe'] });
    await once(child.stdout, 'data');
    const lines = [];
    const said = (what) => new Promise((resolve) => {
      child.stderr.on('data', (text) => {
        lines.push(String(text));
        if (lines.join('').includes(what)) resolve();
      });
    });
    await writeFile(file, '[turn]\nrelm = "x"\n');
    const refused = said('event=server.reload_failed');
    child.kill('SIGHUP');
    await refused;
    await writeFile(file, '[turn]\nusers = { alice = "password" }\n');
    const taken = said('event=server.reloaded');
    child.kill('SIGHUP');
    await taken;
    child.kill('SIGTERM');
    assert.equal((await once(child, 'exit'))[0], 0);
  });
});
