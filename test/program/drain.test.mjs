// SIGTERM with server.drain_timeout: who is in a call may end it, and nobody begins another.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'node:test';
import { setInterval as ticks } from 'node:timers/promises';
import { Server } from '../e2e/server.mjs';

const patienceMs = 60_000;

async function until(server, holds) {
  const deadline = Date.now() + patienceMs;
  for await (const _ of ticks(20)) {
    if (await holds()) return;
    assert.ok(Date.now() < deadline, `in vain: ${holds}\n${server.log}`);
  }
}

const metrics = async ({ url }) => (await fetch(`${url}/metrics`)).text();

const options = (server) => ['-t', '-u', 'alice', '-w', 'wonder', '-c', '-y', '-m', '1', '-p', String(server.turnPort), '127.0.0.1'];

/** A server that was told to stop while somebody relays over TCP; `hangUp` ends that. */
async function inACall(t, drainTimeout) {
  const server = await Server.start({
    settings: [
      `server.drain_timeout="${drainTimeout}"`, 'turn.users={ alice = "wonder" }',
      'turn.relay_addresses=["127.0.0.1"]', 'turn.peers.allow=["127.0.0.0/8"]',
    ],
  });
  const client = spawn('turnutils_uclient', ['-n', '100000', ...options(server)], { stdio: 'ignore' });
  t.after(() => client.kill('SIGKILL'));
  // Its first allocations are for a try.
  await until(server, async () => /^ahoy_turn_relayed_packets_total\{direction="to_client"\} [1-9]/m.test(await metrics(server)));
  server.beginToStop();
  await until(server, () => /event=server\.draining/.test(server.log));
  return {
    server,
    async hangUp() {
      client.kill('SIGKILL');
      await once(client, 'exit');
    },
  };
}

test('it is alive and not ready, refuses who is new, and ends with the last call', async (t) => {
  const { server, hangUp } = await inACall(t, '1h');
  assert.equal((await fetch(`${server.url}/readyz`)).status, 503);
  assert.equal((await fetch(`${server.url}/livez`)).status, 200);
  const late = await new Promise((resolve) => {
    execFile('turnutils_uclient', ['-n', '5', ...options(server)], { timeout: patienceMs }, (error, stdout) =>
      resolve({ failed: error !== null, stdout }));
  });
  assert.ok(late.failed, late.stdout);
  assert.match(await metrics(server), /^ahoy_turn_errors_total\{code="508"\} [1-9]/m);
  assert.doesNotMatch(server.log, /event=server\.stopping/);
  await hangUp();
  await server.ends();
  assert.match(server.log, /event=server\.stopping reason=drained/);
});

test('a call that goes on is ended when the time is over', async (t) => {
  const { server } = await inACall(t, '1s');
  await server.ends();
  assert.match(server.log, /event=server\.stopping reason=drain_timeout/);
  assert.match(server.log, /event=allocation\.ended/);
});

test('a second SIGTERM stops it at once', async (t) => {
  const { server } = await inACall(t, '1h');
  await server.stop();
  assert.match(server.log, /event=server\.stopping reason=SIGTERM/);
});
