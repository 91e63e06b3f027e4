// coturn's own client against the program, over every transport.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
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

test('a connection that closes takes its allocation along', async () => {
  const metric = async (name) => {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    return [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\d+)$`, 'gm'))].reduce((sum, [, value]) => sum + Number(value), 0);
  };
  const made = () => metric('ahoy_turn_allocations_total');
  const live = () => metric('ahoy_turn_allocations');
  const [madeBefore, liveBefore] = [await made(), await live()];
  const client = spawn('turnutils_uclient', ['-t', '-u', 'alice', '-w', 'wonder', '-c', '-y', '-n', '100000', '-m', '1',
    '-p', String(server.turnPort), '127.0.0.1'], { stdio: 'ignore' });
  await until(async () => (await made()) >= madeBefore + 2 && (await live()) > liveBefore);
  client.kill('SIGKILL');
  await once(client, 'exit');
  await until(async () => (await live()) === liveBefore);
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
