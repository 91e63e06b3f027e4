// What the attacks share: their numbers, floods, and what is seen of the server from outside.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setInterval as ticks } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { attribute, Message, method, uint8 } from '../conformance/stun.mjs';
import { data, granted, lifetime, udp } from '../conformance/client.mjs';

const full = Boolean(process.env.ATTACK_FULL);
/** The number of docs/attacks.md, or the smaller one of every day. */
export const many = (few, all) => (full ? all : few);

export const MiB = 1 << 20;
export const tcp = [attribute.requestedTransport, uint8(6)];
export const at = (address, port = 9999) => ({ address, port });

/** A server at addresses that have a way out, which nothing comes back from (test/attack/run). */
export const outside = {
  listen: { v4: '192.0.2.15', v6: '2001:db8::15' },
  relay: ['192.0.2.15', '2001:db8::15'],
  ports: [61000, 61999],
  allow: [],
};

const binary = process.env.AHOY_BIN ?? fileURLToPath(new URL('../../build/release/ahoy', import.meta.url));
export const beside = (name) => join(dirname(binary), name);

/** Packets that left from relayed ports, as nftables counts them. */
export function relayedPackets() {
  const { nftables } = JSON.parse(execFileSync('nft', ['-j', 'list', 'counters', 'table', 'inet', 'watch']));
  return nftables.find((each) => each.counter).counter.packets;
}

/** attack_flood: `datagrams` from each of many sources. */
export async function flood(server, datagrams, options = {}) {
  const { address, port } = server.at('UDP');
  const child = spawn(beside('attack_flood'), [address, port, ...Object.entries(options).flat()].map(String),
    { stdio: ['pipe', 'pipe', 'inherit'] });
  let told = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (told += text));
  child.stdin.on('error', () => {});
  for (const datagram of datagrams) {
    const bytes = datagram instanceof Message ? datagram.bytes() : datagram;
    child.stdin.write(Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]));
  }
  child.stdin.end();
  const [status] = await once(child, 'exit');
  assert.equal(status, 0, 'attack_flood');
  return JSON.parse(told);
}

export async function metric(server, name) {
  const text = await (await fetch(`http://127.0.0.1:${server.httpPort}/metrics`)).text();
  const found = text.split('\n').filter((line) => line.startsWith(name) && /^[ {]/.test(line.slice(name.length)));
  assert.ok(found.length, `a metric ${name}`);
  return found.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

/** Seconds of processor time that the server has used. */
export function cpuSeconds(server) {
  const fields = readFileSync(`/proc/${server.process.pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

export async function until(holds, what, patience = 60_000) {
  const deadline = Date.now() + patience;
  for await (const _ of ticks(20)) {
    if (await holds()) return;
    assert.ok(Date.now() < deadline, `in vain: ${what}`);
  }
}

/**
 * Asks until it is answered, as a client over UDP does (RFC 8489, section 6.2.1), but never waits for
 * longer than a second: in a flood many are lost, and more where the machine is busy.
 */
async function persistently(client, message) {
  const answer = client.answerTo(message);
  let again;
  const ask = (wait) => {
    client.send(message);
    again = setTimeout(() => ask(Math.min(2 * wait, 1000)), wait);
  };
  ask(200);
  return answer.finally(() => clearTimeout(again));
}

/** Takes a new nonce when the old one is stale, which it is after ten minutes. */
export function renewing(client) {
  const once = client.request.bind(client);
  client.request = async (method, attributes) => {
    const answer = await once(method, attributes);
    return answer.code === 438 ? (client.remember(answer), once(method, attributes)) : answer;
  };
  return client;
}

/** An honest client that comes while the attack goes on: it allocates and is relayed. */
export async function honest(world, transport = 'UDP') {
  const client = await world.client({ transport });
  client.ask = (message) => persistently(client, message);
  await client.allocate();
  const listener = await world.peer();
  granted(await client.permit(listener.at));
  let arrived = false;
  listener.socket.on('message', () => (arrived = true));
  await until(async () => {
    await client.indicate(listener.at, Buffer.from('hello'));
    await client.ask(new Message(method.binding));
    return arrived;
  }, 'what an honest client sends arrives');
  return client;
}

/** While the attack runs, honest clients come, one after the other. Their number is the result. */
export async function meanwhile(world, attack, transport = 'UDP') {
  let over = false;
  const ended = attack.finally(() => (over = true));
  ended.catch(() => {});
  let served = 0;
  do {
    const client = await honest(world, transport);
    const answer = await client.refresh([lifetime(0)]);
    assert.ok([undefined, 437].includes(answer.code), String(answer)); // 437 when it had to be asked twice
    client.relayed = undefined;
    served += 1;
  } while (!over);
  return { result: await ended, served };
}

/** The server's memory grew by no more than that during the attack. */
export async function growth(server, attack) {
  const before = server.memory();
  const result = await attack();
  return { result, grown: server.memory() - before };
}

export const send = (peer, bytes) => new Message(method.send, 1).all([(message) => message.peer(peer), data(bytes)]);
export const allocateRequest = () => new Message(method.allocate).all([udp]);
