// Users, secrets and the configuration of coturn: its own tools and server with our files, and the
// other way round.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { setInterval as ticks } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { attribute, md5Key, Message, method, Received, success } from '../conformance/stun.mjs';
import { Server } from '../e2e/server.mjs';

const binary = process.env.AHOY_BIN ?? fileURLToPath(new URL('../../build/release/ahoy', import.meta.url));
const realm = 'example.org';
const patienceMs = 60_000;

let folder;
before(async () => (folder = await mkdtemp(join(tmpdir(), 'ahoy-'))));
after(() => rm(folder, { recursive: true }));

let files = 0;
const newFile = () => join(folder, `${++files}.db`);

function run(program, args, input = '') {
  return new Promise((resolve) => {
    const child = execFile(program, args, { timeout: patienceMs }, (error, stdout, stderr) =>
      resolve({ status: error ? error.code : 0, stdout, stderr }));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

/** Our command on a file of users; `input` is what it is told. */
async function ahoy(file, command, input = '') {
  const result = await run(binary, [...command, '--database', file, '--realm', realm], input);
  assert.equal(result.status, 0, result.stderr);
  return result.stdout.trim();
}

const turnadmin = (file, ...args) => run('turnadmin', ['-b', file, '-r', realm, ...args]);

function uclient(port, ...credentials) {
  return run('turnutils_uclient', ['-y', '-c', '-n', '5', '-m', '1', '-p', String(port), ...credentials, '127.0.0.1'])
    .then(({ status, stdout }) => ({ relayed: status === 0 && /Total lost packets 0 /.test(stdout), stdout }));
}

async function relays(port, ...credentials) {
  const { relayed, stdout } = await uclient(port, ...credentials);
  assert.ok(relayed, stdout);
}

async function isRefused(port, ...credentials) {
  const { relayed, stdout } = await uclient(port, ...credentials);
  assert.equal(relayed, false);
  assert.match(stdout, /Cannot complete Allocation/);
}

async function until(condition, what) {
  const deadline = Date.now() + patienceMs;
  for await (const _ of ticks(50)) {
    if (await condition()) return;
    assert.ok(Date.now() < deadline, `in vain: ${what()}`);
  }
}

const logged = (server, pattern, times = 1) =>
  until(() => server.log.split('\n').filter((line) => pattern.test(line)).length >= times, () => `${pattern}\n${server.log}`);

const serve = (file, ...settings) => Server.start({
  settings: [
    `turn.database=${file}`, `turn.realm=${realm}`,
    'turn.relay_addresses=["127.0.0.1"]', 'turn.peers.allow=["127.0.0.0/8"]', ...settings,
  ],
});

/** Calls `action` with the port of coturn's server on that file. */
async function withCoturn(file, action) {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  const coturn = spawn('turnserver', ['-n', '-L', '127.0.0.1', '-p', String(port), '-E', '127.0.0.1', '-r', realm, '-a',
    '--allow-loopback-peers', '--no-cli', '--cli-password=x', '--no-tls', '--no-dtls', '--userdb', file, '-l', 'stdout', '--pidfile',
    join(folder, 'coturn.pid')], { stdio: 'ignore', cwd: folder });
  try {
    const probe = createSocket('udp4');
    let answered = false;
    probe.on('message', () => (answered = true));
    await until(() => {
      probe.send(Buffer.from('000100002112a442000000000000000000000001', 'hex'), port, '127.0.0.1');
      return answered;
    }, () => 'coturn to answer');
    probe.close();
    await action(port);
  } finally {
    coturn.kill();
    await once(coturn, 'exit');
  }
}

test('a file that turnadmin filled is used as it is', async () => {
  const file = newFile();
  await turnadmin(file, '-a', '-u', 'alice', '-p', 'wonder');
  await turnadmin(file, '-s', 'sesame');
  await run('turnadmin', ['-b', file, '-r', 'example.net', '-a', '-u', 'bob', '-p', 'builder']);
  const server = await serve(file);
  assert.match(server.log, /event=turn\.database .*realms=2 origins=0 users=2 secrets=1 unusable_rows=0/);
  await relays(server.turnPort, '-u', 'alice', '-w', 'wonder');
  await relays(server.turnPort, '-u', 'carol', '-W', 'sesame');
  await isRefused(server.turnPort, '-u', 'alice', '-w', 'wander');
  await isRefused(server.turnPort, '-u', 'bob', '-w', 'builder');
  assert.equal(await ahoy(file, ['user', 'list']), 'alice[example.org]');
  assert.match(await ahoy(file, ['secret', 'list', '--show']), /^[0-9a-f]{8} sesame$/);
  await server.stop();
});

/** A raw client at the server's port; `ask` sends one attribute after another and returns the answer. */
async function rawClient(port) {
  const socket = createSocket('udp4');
  socket.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return {
    async ask(which, attributes, sign = (message) => message) {
      const message = sign(new Message(which).all(attributes));
      const answer = once(socket, 'message');
      socket.send(message.bytes());
      return new Received((await answer)[0]);
    },
    close: () => socket.close(),
  };
}

test('two realms of a file that turnadmin filled, told apart by origin, share nothing', async (t) => {
  const file = newFile();
  const shop = (...args) => run('turnadmin', ['-b', file, '-r', 'shop', ...args]);
  await turnadmin(file, '-a', '-u', 'alice', '-p', 'wonder');
  await shop('-a', '-u', 'alice', '-p', 'sesame');
  await shop('-O', '-o', 'https://Shop.example.org');
  await shop('-g', '--user-quota=1');
  const server = await serve(file);
  t.after(() => server.stop());
  assert.match(server.log, /event=turn\.database .*realms=2 origins=1 users=2/);

  const udp = [attribute.requestedTransport, Buffer.from([17, 0, 0, 0])];
  const clients = [];
  t.after(() => clients.forEach((client) => client.close()));
  /** Allocates as alice, with ORIGIN in the first request alone; the code of the answer and the realm. */
  async function allocates(origin, password) {
    const client = await rawClient(server.turnPort);
    clients.push(client);
    const challenge = await client.ask(method.allocate, origin ? [udp, [attribute.origin, Buffer.from(origin)]] : [udp]);
    assert.equal(challenge.code, 401);
    const name = challenge.text(attribute.realm);
    const answer = await client.ask(method.allocate, [udp, [attribute.username, Buffer.from('alice')],
      [attribute.realm, Buffer.from(name)], [attribute.nonce, challenge.get(attribute.nonce)]],
    (message) => message.integrity(md5Key('alice', name, password)));
    return [name, answer.class === success ? success : answer.code];
  }
  assert.deepEqual(await allocates('', 'wonder'), [realm, success]);
  assert.deepEqual(await allocates('https://else.example.org', 'wonder'), [realm, success]);
  assert.deepEqual(await allocates('', 'sesame'), [realm, 401]);
  assert.deepEqual(await allocates('https://shop.example.org', 'wonder'), ['shop', 401]);
  assert.deepEqual(await allocates('https://shop.example.org', 'sesame'), ['shop', success]);
  assert.deepEqual(await allocates('https://shop.example.org:443', 'sesame'), ['shop', 486]);
  await logged(server, /event=allocation\.created .*realm=shop user=alice/);
});

test('coturn and turnadmin take a file that we made', async () => {
  const file = newFile();
  assert.equal(await ahoy(file, ['user', 'add', 'alice'], 'wander\n'), 'added alice[example.org]');
  assert.equal(await ahoy(file, ['user', 'add', 'alice'], 'wonder\n'), 'changed alice[example.org]');
  await ahoy(file, ['user', 'add', 'bob'], 'builder\n');
  assert.equal(await ahoy(file, ['user', 'remove', 'bob']), 'removed bob[example.org]');
  const secret = await ahoy(file, ['secret', 'make']);
  assert.match((await turnadmin(file, '-l')).stdout, /^alice\[example\.org\]$/m);
  assert.ok((await turnadmin(file, '-S')).stdout.includes(`${secret}[example.org]`));
  await withCoturn(file, async (port) => {
    await relays(port, '-u', 'alice', '-w', 'wonder');
    await isRefused(port, '-u', 'bob', '-w', 'builder');
  });
  const server = await serve(file);
  await relays(server.turnPort, '-u', 'alice', '-w', 'wonder');
  await relays(server.turnPort, '-u', 'carol', '-W', secret);
  await server.stop();
});

test('who is added may relay, and who is removed may not, without a signal', async () => {
  const file = newFile();
  await ahoy(file, ['user', 'add', 'alice'], 'wonder\n');
  const server = await serve(file);
  await ahoy(file, ['user', 'add', 'bob'], 'builder\n');
  await logged(server, /event=turn\.database .*users=2/);
  await relays(server.turnPort, '-u', 'bob', '-w', 'builder');
  await turnadmin(file, '-d', '-u', 'alice');
  await logged(server, /event=turn\.database .*users=1/, 2);
  await isRefused(server.turnPort, '-u', 'alice', '-w', 'wonder');
  await server.stop();
});

test('a file that cannot be read changes nothing, is reported once, and is taken when it is mended', async () => {
  const file = newFile();
  await ahoy(file, ['user', 'add', 'alice'], 'wonder\n');
  const server = await serve(file);
  const good = `${file}.good`;
  await rename(file, good);
  await writeFile(`${file}.bad`, 'x'.repeat(5000));
  await rename(`${file}.bad`, file);
  await logged(server, /event=server\.reload_failed .*is not a database.*old users stay/);
  await relays(server.turnPort, '-u', 'alice', '-w', 'wonder'); // takes longer than another look
  await ahoy(good, ['user', 'add', 'bob'], 'builder\n');
  await rename(good, file);
  await logged(server, /event=turn\.database .*users=2/);
  assert.equal(server.log.match(/reload_failed/g).length, 1);
  await server.stop();
});

for (const ends of [true, false]) {
  test(`an allocation of a user who is removed ${ends ? 'ends' : 'lives on'} with turn.end_revoked = ${ends}`, async () => {
    const file = newFile();
    await ahoy(file, ['user', 'add', 'alice'], 'wonder\n');
    await ahoy(file, ['user', 'add', 'bob'], 'builder\n');
    const server = await serve(file, `turn.end_revoked=${ends}`);
    const clients = [['alice', 'wonder'], ['bob', 'builder']].map(([name, password]) =>
      spawn('turnutils_uclient', ['-u', name, '-w', password, '-c', '-y', '-n', '100000', '-m', '1', '-p', String(server.turnPort), '127.0.0.1'],
        { stdio: 'ignore' }));
    for (const name of ['alice', 'bob']) await logged(server, new RegExp(`event=allocation.created .*user=${name}`));
    await ahoy(file, ['user', 'remove', 'alice']);
    await logged(server, /event=turn\.database .*users=1/);
    if (ends) await logged(server, /event=allocation.ended .*user=alice reason=revoked/);
    await logged(server, /event=server\.reloaded/);
    for (const client of clients) {
      client.kill('SIGKILL');
      await once(client, 'exit');
    }
    await server.stop();
    assert.equal(/user=alice reason=revoked/.test(server.log), ends);
    assert.doesNotMatch(server.log, /user=bob reason=revoked/);
  });
}

test('secrets of a file take turns without dropping a call', async (t) => {
  const [file, config] = [join(folder, 'secrets'), join(folder, 'rotates.toml')];
  await writeFile(config, `[turn]\nsecret_file = "${file}"\nend_revoked = false\n`);
  const holds = async (...secrets) => {
    await writeFile(file, secrets.map((each) => `${each}\n`).join(''));
    if (!server) return;
    const before = server.log.split('event=server.reloaded').length;
    server.reload();
    await logged(server, /event=server\.reloaded/, before);
  };
  let server;
  await holds('autumn');
  server = await Server.start({ config,
    settings: ['turn.relay_addresses=["127.0.0.1"]', 'turn.peers.allow=["127.0.0.0/8"]'] });
  t.after(() => server.stop());
  // A call that goes on all the time, and tells in the end how much of it was lost.
  let over = false;
  const call = run('turnutils_uclient', ['-y', '-c', '-n', '300', '-m', '1', '-p', String(server.turnPort), '-u', 'alice', '-W', 'autumn', '127.0.0.1']);
  call.then(() => (over = true));
  // Its first allocations are for a try.
  const relayed = async () => /^ahoy_turn_relayed_packets_total\{direction="to_client"\} [1-9]/m
    .test(await (await fetch(`${server.url}/metrics`)).text());
  await until(relayed, () => `a packet\n${server.log}`);
  await holds('winter', 'autumn');
  await holds('winter');
  assert.equal(over, false, 'it lasts six seconds');
  await relays(server.turnPort, '-u', 'bob', '-W', 'winter');
  await isRefused(server.turnPort, '-u', 'bob', '-W', 'autumn');
  const { status, stdout } = await call;
  assert.equal(status, 0, stdout);
  assert.match(stdout, /Total lost packets 0 /, stdout);
  await holds('spring', 'winter');
  for (const secret of ['spring', 'winter']) await relays(server.turnPort, '-u', 'bob', '-W', secret);
});

test('the file of users must be there, and commands say what they lack', async () => {
  const gone = await run(binary, ['serve', '--set', 'turn.database=/nowhere.db', '--set', 'http.listen=[]', '--set', 'turn.listen=[]']);
  assert.equal(gone.status, 2);
  assert.match(gone.stderr, /turn\.database: \/nowhere\.db: No such file/);
  const which = await run(binary, ['user', 'add', 'alice'], 'wonder\n');
  assert.equal(which.status, 2);
  assert.match(which.stderr, /--database FILE/);
  const file = newFile();
  const empty = await run(binary, ['user', 'add', 'alice', '--database', file], '\n');
  assert.equal(empty.status, 2);
  await ahoy(file, ['user', 'add', 'alice'], 'wonder\n');
  const nobody = await run(binary, ['user', 'remove', 'bob', '--database', file]);
  assert.equal(nobody.status, 1);
  const secret = await ahoy(file, ['secret', 'add'], 'sesame\n');
  assert.equal(await ahoy(file, ['secret', 'remove', secret.split(' ')[1]]), secret.replace('added', 'removed'));
  assert.equal(await ahoy(file, ['secret', 'list']), '');
});

test("a configuration of coturn's becomes one of ours, which serves the same users", async () => {
  const conf = join(folder, 'turnserver.conf');
  await writeFile(conf, 'listening-ip=127.0.0.1\nrelay-ip=127.0.0.1\nlt-cred-mech\nrealm=example.org\nallow-loopback-peers\n' +
    'user=alice:wonder\nuser=bob:0xb70615a74a524becc6960f540634bb00\nno-tls\nno-dtls\n');
  const imported = await run(binary, ['import', conf]);
  assert.deepEqual([imported.status, imported.stderr], [0, '']);
  const toml = join(folder, 'imported.toml');
  await writeFile(toml, imported.stdout);
  assert.equal((await run(binary, ['check-config', toml])).status, 0);
  const server = await Server.start({ config: toml });
  await relays(server.turnPort, '-u', 'alice', '-w', 'wonder');
  await relays(server.turnPort, '-u', 'bob', '-w', 'builder');
  await server.stop();

  await writeFile(conf, 'check-origin-consistency\nstatic-auth-secret=north\nrealm=example.org\n');
  const partly = await run(binary, ['import', conf]);
  assert.equal(partly.status, 1);
  assert.match(partly.stderr, /turnserver\.conf:1: check-origin-consistency: changes: /);
  assert.equal((await run(binary, ['import', join(folder, 'none.conf')])).status, 2);
});
