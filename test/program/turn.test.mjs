// coturn's own client against the program, over every transport.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { setInterval as ticks } from 'node:timers/promises';
import { Server } from '../e2e/server.mjs';

let server;
let echo;
let state;
before(async () => {
  state = await mkdtemp(join(tmpdir(), 'ahoy-'));
  process.env.STATE_DIRECTORY = state; // of the certificate that the server makes itself
  server = await Server.start({
    settings: [
      'tls.listen=["127.0.0.1:0"]',
      'turn.relay_addresses=["127.0.0.1"]',
      'turn.peers.allow=["127.0.0.0/8"]',
      'turn.users={ alice = "wonder" }',
      'turn.tcp_relay=true',
    ],
  });
  echo = createSocket('udp4', (message, { port, address }) => echo.send(message, port, address));
  echo.bind(0, '127.0.0.1');
  await once(echo, 'listening');
});
after(async () => {
  echo.close();
  await server.stop();
  await rm(state, { recursive: true });
});

async function until(condition) {
  for await (const _ of ticks(50)) {
    if (await condition()) return;
  }
}

function uclient(...options) {
  const fixed = ['-u', 'alice', '-w', 'wonder', '-c', '-n', '20', '-m', '2', '-l', '170'];
  const peer = ['-e', '127.0.0.1', '-r', String(echo.address().port)];
  return new Promise((resolve) => {
    execFile(
      'turnutils_uclient',
      [...fixed, ...peer, '-p', String(server.turnPort), ...options, '127.0.0.1'],
      { timeout: 120_000 },
      (error, stdout) => resolve({ failed: error !== null, output: stdout }),
    );
  });
}

for (const [transport, options] of Object.entries({ UDP: [], TCP: ['-t'], TLS: ['-t', '-S'], DTLS: ['-S'] })) {
  for (const [way, more] of Object.entries({ channels: [], indications: ['-s'], 'between two relays': ['-y'] })) {
    test(`turnutils_uclient over ${transport}, ${way}, loses nothing`, async () => {
      const { failed, output } = await uclient(...options, ...more);
      assert.equal(failed, false, output);
      assert.match(output, /Total lost packets 0 /, output);
    });
  }
}

for (const [transport, options] of Object.entries({ TCP: ['-T'], TLS: ['-T', '-S'] })) {
  test(`turnutils_uclient over ${transport}, TCP between two relays, loses nothing`, async () => {
    const { failed, output } = await uclient(...options);
    assert.equal(failed, false, output);
    assert.match(output, /Total lost packets 0 /, output);
  });
}

test('a wrong password gets nothing', async () => {
  const { failed, output } = await uclient('-w', 'wrong');
  assert.equal(failed, true);
  assert.match(output, /Cannot complete Allocation/);
});

/** All samples of a metric, or those with such labels, together. */
async function metric({ url }, name, labels = '.*') {
  const text = await (await fetch(`${url}/metrics`)).text();
  return [...text.matchAll(new RegExp(`^${name}(?:\\{${labels}\\})? (\\d+)$`, 'gm'))]
    .reduce((sum, [, value]) => sum + Number(value), 0);
}

test('a connection that closes takes its allocation along', async () => {
  const made = () => metric(server, 'ahoy_turn_allocations_total');
  const live = () => metric(server, 'ahoy_turn_allocations');
  const [madeBefore, liveBefore] = [await made(), await live()];
  const client = spawn('turnutils_uclient', ['-t', '-u', 'alice', '-w', 'wonder', '-c', '-y', '-n', '100000', '-m', '1',
    '-p', String(server.turnPort), '127.0.0.1'], { stdio: 'ignore' });
  await until(async () => (await made()) >= madeBefore + 2 && (await live()) > liveBefore);
  client.kill('SIGKILL');
  await once(client, 'exit');
  await until(async () => (await live()) === liveBefore);
});

test('the metrics tell how much was relayed, for whom and how long, and who was refused why', async (t) => {
  const counting = await Server.start({ settings: ['turn.relay_addresses=["127.0.0.1"]',
    'turn.peers.allow=["127.0.0.0/8"]', 'turn.users={ alice = "wonder" }'] });
  t.after(() => counting.stop());
  const is = async (name, labels, count) => assert.equal(await metric(counting, name, labels), count, `${name} {${labels}}`);
  const [messages, size] = [2 * 20, 170];
  const port = ['-p', String(counting.turnPort)];
  const { output } = await uclient('-t', ...port);
  assert.match(output, /Total lost packets 0 /, output);
  await until(async () => (await metric(counting, 'ahoy_turn_allocations')) === 0);
  const made = await metric(counting, 'ahoy_turn_allocations_total'); // it tries one for each client before
  assert.ok(made >= 2, `${made} allocations`);
  await is('ahoy_turn_allocations_total', 'transport="tcp",family="ipv4"', made);
  await is('ahoy_turn_allocation_seconds_count', '', made);
  await is('ahoy_turn_allocation_seconds_bucket', 'le="\\+Inf"', made);
  await is('ahoy_turn_relayed_ports', '', 0);
  for (const direction of ['to_peer', 'to_client']) {
    await is('ahoy_turn_relayed_packets_total', `direction="${direction}"`, messages);
    await is('ahoy_turn_relayed_bytes_total', `direction="${direction}"`, messages * size);
  }
  await is('ahoy_turn_errors_total', 'code="401"', await metric(counting, 'ahoy_turn_auth_failures_total', 'reason="missing"'));
  await is('ahoy_turn_auth_failures_total', 'reason="wrong_password"', 0);
  await uclient('-t', '-w', 'wander', ...port);
  assert.ok((await metric(counting, 'ahoy_turn_auth_failures_total', 'reason="wrong_password"')) > 0);
});

test('certificates, users and limits are read again without the loss of a packet', async () => {
  const relaying = uclient('-n', '600', '-m', '4', '-z', '5');
  let over = false;
  relaying.then(() => (over = true));
  let reloads = 0;
  while (!over) {
    reloads += 1;
    server.reload();
    await until(() => server.log.split('event=server.reloaded').length > reloads);
  }
  const { failed, output } = await relaying;
  assert.equal(failed, false, output);
  assert.match(output, /Total lost packets 0 /, output);
  assert.ok(reloads > 3, `${reloads} reloads`);
});

test('SIGHUP changes limits, for who comes', async (t) => {
  const config = join(state, 'limits.toml');
  const limit = (limits) => writeFile(config, ['[turn]', ...Object.entries(limits).map((each) => each.join(' = '))].join('\n'));
  await limit({ max_allocations: 1, stun_rate: 2 });
  const limited = await Server.start({ config, settings: ['server.threads=1', 'turn.relay_addresses=["127.0.0.1"]',
    'turn.peers.allow=["127.0.0.0/8"]', 'turn.users={ alice = "wonder" }'] });
  t.after(() => limited.stop());
  const two = () => uclient('-t', '-y', '-p', String(limited.turnPort));
  const answered = () => metric(limited, 'ahoy_stun_bindings_total');
  const dropped = () => metric(limited, 'ahoy_turn_dropped_total', 'reason="budget"');
  /** How many of a hundred Bindings at once are answered. */
  const ofAHundred = async () => {
    const [before, droppedBefore] = [await answered(), await dropped()];
    const socket = createSocket('udp4');
    for (let i = 0; i < 100; i++) {
      socket.send(Buffer.from('000100002112a442000000000000000000000001', 'hex'), limited.turnPort, '127.0.0.1');
    }
    await until(async () => (await answered()) + (await dropped()) === before + droppedBefore + 100);
    socket.close();
    return (await answered()) - before;
  };
  let reloads = 0;
  const change = async (limits) => {
    await limit(limits);
    reloads += 1;
    limited.reload();
    await until(() => limited.log.split('event=server.reloaded').length > reloads);
  };
  assert.match((await two()).output, /error 508/);
  assert.ok((await ofAHundred()) < 100);
  await change({ max_allocations: 100, address_quota: 1 });
  assert.match((await two()).output, /error 486/);
  await change({ max_allocations: 100, address_quota: 0, stun_rate: 0 });
  const { failed, output } = await two();
  assert.equal(failed, false, output);
  assert.equal(await ofAHundred(), 100);
});

test('one port is that of the page, of WebSockets and of TURN over TLS', async () => {
  const port = Number(/event=server\.ready .*\bhttps=127\.0\.0\.1:(\d+)/.exec(server.log)[1]);
  const at = { host: '127.0.0.1', port, rejectUnauthorized: false, agent: false };
  const [page] = await once(request({ ...at, path: '/' }).end(), 'response');
  assert.equal(page.resume().statusCode, 200);
  const upgrade = request({ ...at, path: '/ws', headers: {
    Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': 13, 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==',
  } }).end();
  const [answer, socket] = await once(upgrade, 'upgrade');
  assert.equal(answer.statusCode, 101);
  socket.destroy();
  const { failed, output } = await uclient('-t', '-S', '-p', String(port));
  assert.equal(failed, false, output);
  assert.match(output, /Total lost packets 0 /, output);
});

async function freePort() {
  const socket = createSocket('udp4').bind(0, '0.0.0.0');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}

test('turnutils_natdiscovery hears from other addresses, also from a listener for all of them', async (t) => {
  const [first, second] = [await freePort(), await freePort()];
  const explored = await Server.start({
    settings: [
      `turn.listen=["127.0.0.1:0", "0.0.0.0:${first}"]`,
      `turn.discovery=["127.0.0.1:${first}", "127.0.0.2:${second}"]`,
    ],
  });
  t.after(() => explored.stop());
  const output = await new Promise((resolve) => {
    execFile('turnutils_natdiscovery', ['-m', '-f', '-p', String(first), '-L', '127.0.0.1', '127.0.0.1'],
      { timeout: 60_000 }, (_, stdout) => resolve(stdout));
  });
  for (const origin of [`127.0.0.1:${first}`, `127.0.0.2:${first}`, `127.0.0.2:${second}`]) {
    assert.match(output, new RegExp(`Response origin: : ${origin}`), output);
  }
  assert.match(output, /NAT with Endpoint Independent Mapping!/, output);
  assert.match(output, /NAT with Endpoint Independent Filtering!/, output);
});
