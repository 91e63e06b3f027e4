// SIGHUP: each key of which `ahoy default-config` says that it is enough is changed, and is seen to be
// in use; whatever else was changed is named, and stays as it was.

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { setInterval as ticks } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { certify } from '../authority.mjs';
import { seal } from '../conformance/access_token.mjs';
import { Client, peer, udp } from '../conformance/client.mjs';
import { tokens } from '../conformance/server.mjs';
import { attribute, md5Key, method, uint8 } from '../conformance/stun.mjs';
import { Server } from '../e2e/server.mjs';
import { JsonSocket } from './websocket.mjs';

const binary = process.env.AHOY_BIN ?? fileURLToPath(new URL('../../build/release/ahoy', import.meta.url));
const patienceMs = 60_000;
const secret = randomBytes(32).toString('hex');
const otherSecret = randomBytes(32).toString('hex');
const balancer = '127.0.0.2';
const listener = { address: '127.0.0.5', port: 9 }; // not where it relays itself

// ---- what is seen of a server from outside

const at = (server, port = server.turnPort) => ({ address: '127.0.0.1', port });
const portOf = (server, name) => Number(new RegExp(`\\b${name}=127\\.0\\.0\\.1:(\\d+)`).exec(server.log)[1]);

async function withClient(server, options, use) {
  const client = await Client.open(server, options.transport ?? 'UDP', { at: at(server), user: 'alice', password: 'wonder', ...options });
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

/** What becomes of a request: 0, or the number of the error. */
const outcome = (answer) => answer.code ?? 0;

const allocates = (options = {}) => (server) => withClient(server, options, async (client) => {
  const answer = await client.request(method.allocate, [udp]);
  client.relayed = outcome(answer) === 0; // so that it ends with the client
  return outcome(answer);
});

const twoAllocate = (server) => withClient(server, {}, async (client) => {
  await client.allocate();
  return allocates()(server);
});

const permits = (server) => withClient(server, {}, async (client) => {
  await client.allocate();
  return outcome(await client.permit(listener));
});

const other = { ...listener, address: '127.0.0.6' };

const permitsTwo = (server) => withClient(server, {}, async (client) => {
  await client.allocate();
  return outcome(await client.permit(listener)) || outcome(await client.permit(other));
});

const bindsTwo = (server) => withClient(server, {}, async (client) => {
  await client.allocate();
  return outcome(await client.bind(0x4000, listener)) || outcome(await client.bind(0x4001, other));
});

const connectsTwo = (server) => withClient(server, { transport: 'TCP' }, async (client) => {
  const listening = createServer((socket) => socket.on('error', () => {}).resume()).listen(0, listener.address);
  await once(listening, 'listening');
  await client.allocate([[attribute.requestedTransport, uint8(6)]]);
  const connects = async (at) => outcome(await client.request(method.connect, [peer(at)]));
  const there = { address: listener.address, port: listening.address().port };
  const further = createServer((socket) => socket.on('error', () => {}).resume()).listen(there.port, other.address);
  await once(further, 'listening');
  const seen = (await connects(there)) || (await connects({ ...there, address: other.address }));
  listening.close();
  further.close();
  return seen;
});

const rest = (key) => {
  const user = `${Math.floor(Date.now() / 1000) + 3600}:carol`;
  return { user, password: createHmac('sha1', key).update(user).digest('base64') };
};

async function metric(server, name, labels) {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  return Number(new RegExp(`^${name}\\{${labels}\\} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
}

/** Whether some of so many messages to a peer are dropped for want of bandwidth. */
const isNarrow = (server) => withClient(server, {}, async (client) => {
  const dropped = () => metric(server, 'ahoy_turn_dropped_total', 'reason="bandwidth"');
  const before = await dropped();
  await client.allocate();
  await client.permit(listener);
  for (let i = 0; i < 200; i += 1) {
    await client.indicate(listener, Buffer.alloc(1000));
    if (i % 20 === 19) await client.fence(); // so that the socket's buffer takes them all
  }
  return (await dropped()) > before;
});

/** Whether a hundred Binding requests at once are all answered. */
async function answersAll(server) {
  const dropped = () => metric(server, 'ahoy_turn_dropped_total', 'reason="budget"');
  const before = await dropped();
  const socket = createSocket('udp4');
  let answers = 0;
  socket.on('message', () => (answers += 1));
  for (let i = 0; i < 100; i += 1) {
    socket.send(Buffer.from('000100002112a442000000000000000000000001', 'hex'), server.turnPort, '127.0.0.1');
  }
  await until(server, async () => answers + (await dropped()) - before === 100, 'an answer or a drop for each');
  socket.close();
  return answers === 100;
}

/** Whether six connections at once are all served; each may begin with a PROXY header. */
async function served(server, options = {}, header = '') {
  const sockets = Array.from({ length: 6 }, () => connect({ host: '127.0.0.1', port: server.port, ...options }).on('error', () => {}));
  const answers = await Promise.all(sockets.map((socket) => new Promise((resolve) => {
    socket.once('data', () => resolve(1)).once('close', () => resolve(0));
    socket.write(`${header}GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  })));
  for (const socket of sockets) socket.destroy();
  return answers.reduce((sum, each) => sum + each, 0) === 6;
}

async function certificateOf(server) {
  const socket = connectTls({ host: '127.0.0.1', port: portOf(server, 'https'), rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

const joins = (token) => async (server) => {
  const reply = await fetch(`${server.url}/join/tea-${randomBytes(4).toString('hex')}?token=${token}`, { method: 'POST' });
  await reply.arrayBuffer();
  return reply.status;
};

function joinToken(kid, key) {
  const part = (object) => Buffer.from(JSON.stringify(object)).toString('base64url');
  const signed = `${part({ alg: 'HS256', kid })}.${part({ room: '*', exp: Math.floor(Date.now() / 1000) + 3600 })}`;
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
}

const apiSays = (key) => async (server) => {
  const reply = await fetch(`http://127.0.0.1:${portOf(server, 'api')}/v1/rooms`, { headers: { Authorization: `Bearer ${key}` } });
  await reply.arrayBuffer();
  return reply.status;
};

async function takesTokens(server) {
  const signingKey = randomBytes(20);
  return withClient(server, { user: tokens.kid, signingKey }, async (client) => {
    await client.challenge();
    const answer = await client.request(method.allocate, [udp, [attribute.accessToken, seal({ macKey: signingKey })]]);
    client.relayed = false;
    return outcome(answer);
  });
}

const serverName = (server) => withClient(server, {}, async (client) =>
  (await client.challenge()).text(attribute.thirdPartyAuthorization));

async function until(server, holds, what) {
  const deadline = Date.now() + patienceMs;
  for await (const _ of ticks(20)) {
    if (await holds()) return;
    assert.ok(Date.now() < deadline, `${what}: in vain\n${server.log}`);
  }
}

// ---- the table

const users = { 'turn.users': '{ alice = "wonder" }' };
const quoted = (text) => JSON.stringify(text);

/**
 * Keys; the configuration before SIGHUP and after; what is looked at, and what is seen before and after.
 * Files are those of prepare().
 */
const rows = (files) => [
  ['server.max_connections', {}, { 'server.max_connections': 3 }, (server) => served(server), true, false],
  ['server.address_connections', {}, { 'server.address_connections': 3 },
    (server) => served(server, { localAddress: balancer }, 'PROXY TCP4 198.51.100.1 192.0.2.1 5000 80\r\n'), true, false],
  ['tls.certificate, tls.key', { 'tls.certificate': quoted(files.first.certificate), 'tls.key': quoted(files.first.key) },
    { 'tls.certificate': quoted(files.second.certificate), 'tls.key': quoted(files.second.key) },
    async (server) => (await certificateOf(server)) === files.second.fingerprint, false, true],
  ['rooms.access', { 'rooms.tokens.keys': `{ main = "${secret}" }` },
    { 'rooms.tokens.keys': `{ main = "${secret}" }`, 'rooms.access': '"token"' }, joins(''), 200, 401],
  ['rooms.tokens.keys', { 'rooms.access': '"token"', 'rooms.tokens.keys': `{ main = "${secret}" }` },
    { 'rooms.access': '"token"', 'rooms.tokens.keys': `{ main = "${otherSecret}" }` }, joins(joinToken('main', otherSecret)), 401, 200],
  ['rooms.tokens.jwks', { 'rooms.access': '"token"', 'rooms.tokens.keys': `{ main = "${secret}" }` },
    { 'rooms.access': '"token"', 'rooms.tokens.keys': `{ main = "${secret}" }`, 'rooms.tokens.jwks': quoted(files.jwks) },
    joins(joinToken('web', otherSecret)), 401, 200],
  ['api.keys', {}, { 'api.keys': `{ school = "${otherSecret}" }` }, apiSays(otherSecret), 401, 200],
  ['turn.secret', { 'turn.secret': quoted(secret) }, { 'turn.secret': quoted(otherSecret) }, allocates(rest(otherSecret)), 401, 0],
  ['turn.secret_file', { 'turn.secret': quoted(secret) }, { 'turn.secret_file': quoted(files.secrets) }, allocates(rest(otherSecret)), 401, 0],
  ['turn.users', {}, users, allocates(), 401, 0],
  ['turn.user_keys', {}, { 'turn.user_keys': `{ bob = "${md5Key('bob', 'ahoy', 'builder').toString('hex')}" }` },
    allocates({ user: 'bob', password: 'builder' }), 401, 0],
  ['turn.database', {}, { 'turn.database': quoted(files.database) }, allocates({ user: 'dora', password: 'explorer' }), 401, 0],
  ['turn.max_users', { 'turn.max_users': 1 }, { 'turn.max_users': 2, 'turn.database': quoted(files.database) },
    allocates({ user: 'dora', password: 'explorer' }), 401, 0],
  ['turn.max_allocations', { ...users, 'turn.max_allocations': 1 }, { ...users, 'turn.max_allocations': 2 }, twoAllocate, 508, 0],
  ['turn.user_quota', { ...users, 'turn.user_quota': 1 }, { ...users, 'turn.user_quota': 2 }, twoAllocate, 486, 0],
  ['turn.address_quota', { ...users, 'turn.address_quota': 1 }, { ...users, 'turn.address_quota': 2 }, twoAllocate, 486, 0],
  ...['max', 'user', 'address'].flatMap((whose) => [['permissions', permitsTwo], ['channels', bindsTwo], ['peer_connections', connectsTwo]]
    .map(([what, two]) => [`turn.${whose}_${what}`, { ...users, 'turn.tcp_relay': true, [`turn.${whose}_${what}`]: 1 },
      { ...users, 'turn.tcp_relay': true, [`turn.${whose}_${what}`]: 2 }, two, 508, 0])),
  ['turn.user_bandwidth', users, { ...users, 'turn.user_bandwidth': 1000 }, isNarrow, false, true],
  ['turn.address_bandwidth', users, { ...users, 'turn.address_bandwidth': 1000 }, isNarrow, false, true],
  ['turn.allocation_bandwidth', users, { ...users, 'turn.allocation_bandwidth': 1000 }, isNarrow, false, true],
  ['turn.total_bandwidth', users, { ...users, 'turn.total_bandwidth': 1000 }, isNarrow, false, true],
  ['turn.stun_rate', { 'turn.stun_rate': 0 }, { 'turn.stun_rate': 2 }, answersAll, true, false],
  ['turn.alternates', { ...users, 'turn.redirect': '"always"' },
    { ...users, 'turn.redirect': '"always"', 'turn.alternates': '["198.51.100.7:3478"]' }, allocates(), 0, 300],
  ['turn.redirect', { ...users, 'turn.alternates': '["198.51.100.7:3478"]' },
    { ...users, 'turn.redirect': '"always"', 'turn.alternates': '["198.51.100.7:3478"]' }, allocates(), 0, 300],
  ['turn.tls_alternates', { ...users, 'turn.redirect': '"always"' },
    { ...users, 'turn.redirect': '"always"', 'turn.tls_alternates': '["198.51.100.7:5349"]' },
    (server) => allocates({ transport: 'TLS', at: at(server, portOf(server, 'turns')) })(server), 0, 300],
  ['turn.peers.allow', { ...users, 'turn.peers.allow': '[]' }, users, permits, 403, 0],
  ['turn.peers.deny', users, { ...users, 'turn.peers.deny': '["127.0.0.5/32"]' }, permits, 0, 403],
  ['turn.oauth.server_name', {}, { 'turn.oauth.server_name': '"turn.example.org"' }, serverName, undefined, 'turn.example.org'],
  ['turn.oauth.keys', { 'turn.oauth.server_name': quoted(tokens.serverName) },
    { 'turn.oauth.server_name': quoted(tokens.serverName), 'turn.oauth.keys': `[{ kid = "${tokens.kid}", key = "${tokens.key.toString('base64')}" }]` },
    takesTokens, 401, 0],
];

/** What a table of one look before and one after cannot tell; each has a test of its own below. */
const apart = ['server.drain_timeout', 'server.moved_to', 'turn.end_revoked'];

function keysThatMayChange() {
  const keys = [];
  let section;
  for (const line of execFileSync(binary, ['default-config'], { encoding: 'utf8' }).split('\n')) {
    section = /^\[(.*)\]$/.exec(line)?.[1] ?? section;
    if (/ \(SIGHUP\)$/.test(line)) keys.push(`${section}.${/^\w+/.exec(line)[0]}`);
  }
  return keys;
}

describe('SIGHUP', () => {
  let folder;
  const files = { first: {}, second: {} };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ahoy-reload-'));
    process.env.STATE_DIRECTORY = folder; // of the certificate that the server makes itself
    for (const name of ['first', 'second']) {
      await mkdir(join(folder, name));
      Object.assign(files[name], await certify(join(folder, name), 'DNS:turn.example.org'));
    }
    const out = execFileSync('openssl', ['x509', '-in', files.second.certificate, '-noout', '-fingerprint', '-sha256'], { encoding: 'utf8' });
    files.second.fingerprint = out.trim().split('=')[1];
    files.jwks = join(folder, 'keys.json');
    await writeFile(files.jwks, JSON.stringify({ keys: [{ kty: 'oct', alg: 'HS256', kid: 'web', k: Buffer.from(otherSecret).toString('base64url') }] }));
    files.secrets = join(folder, 'secrets');
    await writeFile(files.secrets, `${otherSecret}\n`);
    files.database = join(folder, 'users.db');
    for (const [name, password] of [['dora', 'explorer'], ['erik', 'viking']]) {
      const adding = execFile(binary, ['user', 'add', name, '--database', files.database, '--realm', 'ahoy']);
      adding.stdin.end(`${password}\n`);
      assert.deepEqual(await once(adding, 'exit'), [0, null]);
    }
  });
  after(() => rm(folder, { recursive: true }));

  let servers = 0;
  async function serve(t, keys) {
    const config = join(folder, `${(servers += 1)}.toml`);
    const always = { 'turn.relay_addresses': '["127.0.0.1"]', 'turn.peers.allow': '["127.0.0.0/8"]', 'tls.listen': '["127.0.0.1:0"]',
      'turn.tls_listen': '["127.0.0.1:0"]', 'api.listen': '["127.0.0.1:0"]', 'api.keys': `{ shop = "${secret}" }`,
      'server.threads': 1, 'server.balancers': `["${balancer}/32"]` };
    const write = (some) => writeFile(config, Object.entries({ ...always, ...some }).map((each) => `${each.join(' = ')}\n`).join(''));
    await write(keys);
    const server = await Server.start({ config });
    t.after(() => server.stop().catch(() => server.kill()));
    server.change = async (some) => {
      await write(some);
      server.reload();
      await until(server, () => /event=server\.reload(ed|_failed)/.test(server.log), 'a reload');
      return /event=server\.reload(ed|_failed).*\n/.exec(server.log)[0];
    };
    return server;
  }

  test('is tried for every key that may change, and for no other', () => {
    const tried = [...rows(files).flatMap(([keys]) => keys.split(', ')), ...apart];
    assert.deepEqual(tried.toSorted(), keysThatMayChange().toSorted());
  });

  for (const [i, [keys]] of rows(files).entries()) {
    test(`changes ${keys}`, async (t) => {
      const [, from, to, look, seen, due] = rows(files)[i];
      const server = await serve(t, from);
      assert.equal(await look(server), seen, 'before');
      const line = await server.change(to);
      for (const key of keys.split(', ')) assert.ok(line.includes(key), line);
      assert.equal(await look(server), due, 'after');
    });
  }

  test('changes turn.end_revoked', async (t) => {
    const server = await serve(t, users);
    await withClient(server, {}, async (client) => {
      await client.allocate();
      await server.change({ 'turn.end_revoked': true });
      await until(server, () => /event=allocation\.ended .*reason=revoked/.test(server.log), 'the end of the allocation');
    });
  });

  test('changes server.drain_timeout and server.moved_to', async (t) => {
    const server = await serve(t, {});
    const socket = await JsonSocket.open(`${server.url}/v1/ws`);
    socket.say({ type: 'hello', version: 1, room: 'tea' });
    assert.equal((await socket.hear()).type, 'welcome');
    await server.change({ 'server.drain_timeout': '"1h"', 'server.moved_to': '"wss://other.example.org/v1/ws"' });
    server.beginToStop();
    await until(server, () => /event=server\.draining/.test(server.log), 'draining');
    server.beginToStop();
    assert.equal((await socket.hearOf('bye')).url, 'wss://other.example.org/v1/ws');
    await server.ends();
  });

  test('names what takes a restart, and nothing of that is changed', async (t) => {
    const server = await serve(t, {});
    const port = server.port;
    const line = await server.change({ ...users, 'server.threads': 2, 'turn.realm': '"example.org"', 'tls.listen': '[]' });
    assert.match(line, /event=server\.reloaded applied=turn\.users /);
    await until(server, () => /event=server\.restart_needed/.test(server.log), 'a warning');
    assert.match(server.log, /level=warning event=server\.restart_needed hint="restart to use: server\.threads, tls\.listen, turn\.realm"/);
    assert.equal(server.port, port);
    assert.equal(await allocates()(server), 0);
    await certificateOf(server);
  });

  test('that changes nothing says so', async (t) => {
    const server = await serve(t, {});
    assert.match(await server.change({}), /event=server\.reloaded applied="" /);
    assert.doesNotMatch(server.log, /restart_needed/);
  });
});
