// `ahoy probe` as an operator uses it, against this server, against coturn, and against nobody.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Server } from '../e2e/server.mjs';
import { freePort, takesConnections } from './ports.mjs';

const binary = process.env.AHOY_BIN ?? fileURLToPath(new URL('../../build/release/ahoy', import.meta.url));
const secret = 'north-by-north-west-and-a-little-more';
const steps = ['binding', 'challenge', 'allocate', 'second', 'permission', 'indications', 'channel', 'channel-data',
  'direct', 'refresh'];

let folder;
let server; // the probe comes from 127.0.0.1 to 127.0.0.2, so that it is not the server's own machine to it
let tlsPort;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ahoy-'));
  await makeCertificate('good', 397, 'DNS:localhost,IP:127.0.0.1,IP:127.0.0.2');
  tlsPort = await freePort();
  server = await Server.start({
    settings: [
      'turn.listen=["127.0.0.1:0", "127.0.0.2:0"]',
      `turn.tls_listen=["127.0.0.2:${tlsPort}"]`,
      `tls.certificate="${folder}/good.pem"`, `tls.key="${folder}/good.key"`,
      'turn.relay_addresses=["127.0.0.2"]',
      'turn.peers.allow=["127.0.0.0/8"]',
      'turn.users={ alice = "wonder" }',
      `turn.secret="${secret}"`,
    ],
  });
});
after(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

/** Self-signed, and so its own authority. */
async function makeCertificate(name, days, names) {
  await promised('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
    '-keyout', join(folder, `${name}.key`), '-out', join(folder, `${name}.pem`), '-days', String(days),
    '-subj', `/CN=${name}`, '-addext', `subjectAltName=${names}`]);
}

function promised(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    execFile(command, args, options, (error, stdout) => (error ? reject(error) : resolve(stdout)));
  });
}

function run(args, { password, input = '', env = {} } = {}) {
  const given = password === undefined ? {} : { AHOY_PROBE_PASSWORD: password };
  return new Promise((resolve) => {
    const child = execFile(binary, ['probe', ...args], { timeout: 60_000, env: { ...process.env, ...given, ...env } },
      (error, stdout, stderr) => resolve({ status: error ? error.code : 0, stdout, stderr }));
    child.stdin.on('error', () => {}); // it may end without having read
    child.stdin.end(input);
  });
}

/** The findings of the last probe, by step, as `verdict` or `verdict cause`. */
async function probe(args, options) {
  const { status, stdout, stderr } = await run([...args, '--json'], options);
  assert.equal(stderr, '');
  const { ok, probes } = JSON.parse(stdout);
  assert.equal(status, ok ? 0 : 1);
  const found = {};
  for (const { step, verdict, cause } of probes.at(-1)?.steps ?? []) {
    found[step] = [...(found[step] ?? []), cause ? `${verdict} ${cause}` : verdict];
  }
  return { ok, probes, found: Object.fromEntries(Object.entries(found).map(([k, v]) => [k, v.join(', ')])) };
}

const alice = { password: 'wonder' };
const trusting = () => ({ ...alice, env: { SSL_CERT_FILE: join(folder, 'good.pem') } });
const turnPort = () => /\bturn=127\.0\.0\.1:\d+,127\.0\.0\.2:(\d+)/.exec(server.log)[1];

function allFine(found, more) {
  assert.deepEqual(found, Object.fromEntries([...more, ...steps].map((step) => [step, 'ok'])));
}

for (const [name, uri, more] of [
  ['UDP', () => `turn:127.0.0.2:${turnPort()}`, []],
  ['TCP', () => `turn:127.0.0.2:${turnPort()}?transport=tcp`, ['connect']],
  ['TLS', () => `turns:127.0.0.2:${tlsPort}`, ['connect', 'handshake', 'certificate']],
  ['DTLS', () => `turns:127.0.0.2:${tlsPort}?transport=udp`, ['handshake', 'certificate']],
]) {
  test(`every step over ${name} is well`, async () => {
    const { ok, found } = await probe([uri(), '--user', 'alice'], trusting());
    allFine(found, more);
    assert.equal(ok, true);
  });
}

test('the text tells each step, and ends with a table', async () => {
  const { status, stdout } = await run([`turn:127.0.0.2:${turnPort()}`, '--user', 'alice', '--count', '3'],
    { input: 'wonder\n' });
  assert.equal(status, 0, stdout);
  assert.match(stdout, /^UDP to 127\.0\.0\.2:\d+ \(turn:127\.0\.0\.2:\d+\?transport=udp\)$/m);
  for (const step of steps) assert.match(stdout, new RegExp(`^  ok +${step} +\\d+\\.\\d ms`, 'm'));
  assert.match(stdout, /3 of 3 came back, after \d+\.\d ms \(median\)/);
  assert.match(stdout, /^UDP +127\.0\.0\.2:\d+ +relays, \d+\.\d ms there and back\n\nAll is well\.\n$/m);
});

test('a secret and a configuration serve as credentials, the latter also as addresses', async () => {
  const file = join(folder, 'secret');
  await writeFile(file, `${secret}\n`);
  const bySecret = await probe([`turn:127.0.0.2:${turnPort()}`, '--secret-file', file]);
  allFine(bySecret.found, []);
  const config = join(folder, 'ahoy.toml');
  await writeFile(config, `[turn]\nlisten = ["127.0.0.2:${turnPort()}"]\nsecret = "${secret}"\n`);
  const { ok, probes } = await probe(['--config', config]);
  assert.equal(ok, true);
  assert.deepEqual(probes.map((p) => p.transport), ['udp', 'tcp']);
  await writeFile(file, 'another secret\n');
  const { found } = await probe([`turn:127.0.0.2:${turnPort()}`, '--secret-file', file]);
  assert.equal(found.allocate, 'failed wrong_rest_password');
});

test('a wrong password is said to be one', async () => {
  const { ok, found } = await probe([`turn:127.0.0.2:${turnPort()}`, '--user', 'alice'], { password: 'wander' });
  assert.equal(ok, false);
  assert.deepEqual(found, { binding: 'ok', challenge: 'ok', allocate: 'failed wrong_password' });
});

test('a server that sends its clients elsewhere is told with where', async () => {
  const busy = await Server.start({
    settings: ['turn.users={ alice = "wonder" }', 'turn.redirect="always"',
      'turn.alternates=["198.51.100.7:3478"]'],
  });
  try {
    const [, busyPort] = /\bturn=127\.0\.0\.1:(\d+)/.exec(busy.log);
    const { found, probes } = await probe([`turn:127.0.0.1:${busyPort}`, '--user', 'alice'], alice);
    assert.equal(found.allocate, 'failed redirected');
    const { detail } = probes[0].steps.find((step) => step.step === 'allocate');
    assert.match(detail, /to 198\.51\.100\.7:3478$/);
  } finally {
    await busy.stop();
  }
});

test('without credentials nothing fails, and it is said that relaying was not tried', async () => {
  const { ok, found } = await probe([`turn:127.0.0.2:${turnPort()}`]);
  assert.equal(ok, true);
  assert.equal(found.allocate, 'skipped no_credentials');
  const { found: stun } = await probe([`stun:127.0.0.2:${turnPort()}`]);
  assert.deepEqual(stun, { binding: 'ok' });
});

test('a certificate that does not hold is named, and the rest is tried all the same', async () => {
  const { ok, found } = await probe([`turns:127.0.0.2:${tlsPort}`, '--user', 'alice'], alice);
  assert.equal(ok, false);
  assert.equal(found.certificate, 'failed self_signed');
  assert.equal(found['channel-data'], 'ok');
  const insecure = await probe([`turns:127.0.0.2:${tlsPort}`, '--user', 'alice', '--insecure'], alice);
  allFine(insecure.found, ['connect', 'handshake', 'certificate']);
});

test('a certificate of another name is told from one that has expired', async () => {
  await makeCertificate('other', 397, 'DNS:other.example.org');
  await promised('openssl', ['req', '-new', '-key', join(folder, 'good.key'), '-subj', '/CN=old',
    '-out', join(folder, 'old.csr')]);
  await promised('openssl', ['x509', '-req', '-in', join(folder, 'old.csr'), '-signkey', join(folder, 'good.key'),
    '-days', '-1', '-out', join(folder, 'old.pem')]);
  for (const [name, key, wanted] of [
    ['other', 'other', 'failed wrong_name'],
    ['old', 'good', 'failed expired, failed wrong_name'], // it has no address in it
  ]) {
    const port = await freePort();
    const other = await Server.start({ settings: [`turn.tls_listen=["127.0.0.1:${port}"]`,
      `tls.certificate="${folder}/${name}.pem"`, `tls.key="${folder}/${key}.key"`] });
    for (const transport of ['tcp', 'udp']) {
      const { found } = await probe([`turns:127.0.0.1:${port}?transport=${transport}`],
        { env: { SSL_CERT_FILE: join(folder, `${name}.pem`) } });
      assert.deepEqual(found.certificate.split(', ').sort(), wanted.split(', ').sort());
      assert.equal(found.challenge, 'ok');
    }
    await other.stop();
  }
});

test('a closed port is refused over every transport', async () => {
  const port = await freePort();
  const { ok, probes } = await probe([`127.0.0.1:${port}`]);
  assert.equal(ok, false);
  assert.deepEqual(probes.map(({ transport, steps: [first] }) => [transport, first.step, first.cause]), [
    ['udp', 'binding', 'refused'], ['tcp', 'connect', 'refused'],
    ['tls', 'connect', 'refused'], ['dtls', 'handshake', 'refused'],
  ]);
});

test('a server that is silent is given up after the time that was set', async () => {
  const silent = createSocket('udp4').bind(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address();
  const stun = await probe([`stun:127.0.0.1:${port}`, '--timeout', '1']);
  assert.deepEqual(stun.found, { binding: 'failed no_answer' });
  const dtls = await probe([`turns:127.0.0.1:${port}?transport=udp`, '--timeout', '1']);
  assert.deepEqual(dtls.found, { handshake: 'failed no_answer' });
  const all = await probe([`stun:127.0.0.1:${port}`, '--timeout', '60', '--time-limit', '1']);
  assert.deepEqual(all.found, { binding: 'failed out_of_time' });
  silent.close();
});

test('a port of something else is known as such', async () => {
  const http = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  }).listen(0, '127.0.0.1');
  await once(http, 'listening');
  const { port } = http.address();
  assert.equal((await probe([`turns:127.0.0.1:${port}`])).found.handshake, 'failed not_tls');
  const plain = await probe([`turn:127.0.0.1:${port}?transport=tcp`]);
  assert.match(plain.found.binding, /^failed (not_stun|closed)$/);
  http.close();
});

test('a name that does not exist is said not to', async () => {
  const { status, stdout } = await run(['turn.example.invalid']);
  assert.equal(status, 1);
  assert.match(stdout, /^  FAILED  resolve /m);
  assert.match(stdout, /^-  +turn\.example\.invalid  FAILED: resolve \(name_(unknown|server_silent)\)$/m);
});

test('bad arguments end with status 2 and say what is right', async () => {
  for (const [args, message] of [
    [[], /which server\? Give turn:HOST/],
    [['turn://example.org'], /no slashes/],
    [['turn:example.org', '--timeout', '0'], /--timeout/],
    [['turn:example.org', '--secret-file', '/nowhere'], /--secret-file \/nowhere: No such file/],
    [['turn:example.org', '--user', 'alice'], /--user alice: no password was given: .*AHOY_PROBE_PASSWORD/],
  ]) {
    const { status, stderr, stdout } = await run(args);
    assert.equal(status, 2, stdout + stderr);
    assert.match(stderr + stdout, message);
  }
});

// ---- coturn

async function withCoturn(options, action) {
  const port = await freePort();
  const tls = await freePort();
  const coturn = spawn('turnserver', ['-n', '-L', '127.0.0.2', '-E', '127.0.0.2', '-p', port, '--tls-listening-port', tls,
    '-a', '-u', 'alice:wonder', '-r', 'example.org', '--cert', join(folder, 'good.pem'), '--pkey', join(folder, 'good.key'),
    '--no-cli', '--no-dynamic-ip-list', '--log-file=stdout', '--simple-log', '--pidfile', join(folder, 'turn.pid'),
    '--userdb', join(folder, 'turndb'), ...options].map(String), { stdio: 'ignore' });
  const gone = once(coturn, 'exit');
  try {
    await takesConnections(coturn, tls, '127.0.0.2');
    await action(port, tls);
  } finally {
    coturn.kill('SIGKILL');
    await gone;
  }
}

test('coturn is well over every transport', async () => {
  await withCoturn(['--allow-loopback-peers'], async (port, tls) => {
    for (const [uri, more] of [
      [`turn:127.0.0.2:${port}`, []],
      [`turn:127.0.0.2:${port}?transport=tcp`, ['connect']],
      [`turns:127.0.0.2:${tls}`, ['connect', 'handshake', 'certificate']],
      [`turns:127.0.0.2:${tls}?transport=udp`, ['handshake', 'certificate']],
    ]) {
      const { found } = await probe([uri, '--user', 'alice'], trusting());
      allFine(found, more);
    }
    const wrong = await probe([`turn:127.0.0.2:${port}`, '--user', 'alice'], { password: 'wander' });
    assert.equal(wrong.found.allocate, 'failed wrong_password');
  });
});

test("coturn's denial of its own address is told with the key that helps", async () => {
  await withCoturn([], async (port) => {
    const { stdout } = await run([`turn:127.0.0.2:${port}`, '--user', 'alice'], alice);
    assert.match(stdout, /^  FAILED  permission .*403/m);
    assert.match(stdout, /allow-loopback-peers/);
    assert.match(stdout, /^  skipped direct .*403.*127\.0\.0\.1/m);
    assert.match(stdout, /^  ok      refresh/m);
  });
});

test('a quota of one allocation is told as such', async () => {
  await withCoturn(['--allow-loopback-peers', '--user-quota', 1], async (port) => {
    const { found } = await probe([`turn:127.0.0.2:${port}`, '--user', 'alice'], alice);
    assert.equal(found.second, 'failed quota_reached');
    assert.equal(found.direct, 'ok');
    assert.equal(found.refresh, 'ok');
  });
});
