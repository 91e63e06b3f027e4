// E and P: what is bounded stays whole at its bound, and is all there again afterwards.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { setTimeout as hold } from 'node:timers/promises';
import { attribute, method } from '../conformance/stun.mjs';
import { Client, granted, lifetime, peer, refused, udp } from '../conformance/client.mjs';
import { suite } from '../conformance/suite.mjs';
import { at, cpuSeconds, honest, many, metric, MiB, renewing, tcp, until } from './attack.mjs';

const size = 100;
const narrow = suite({ ports: [61000, 61000 + size - 1], relay: ['127.0.0.1'] });
const evenPort = (reserves) => [attribute.evenPort, Buffer.from([reserves ? 0x80 : 0])];
const refreshed = async (client) => granted(await client.refresh([lifetime(0)]));

/** So many ask at once; those that have got an allocation. */
async function race(clients) {
  const answers = await Promise.all(clients.map((client) => client.request(method.allocate, [udp])));
  const winners = clients.filter((client, i) => {
    if (answers[i].code !== undefined) return void refused(answers[i], 508);
    client.relayed = answers[i].address(attribute.xorRelayedAddress);
    return true;
  });
  assert.equal(new Set(winners.map((client) => client.relayed.port)).size, winners.length, 'no port twice');
  return winners;
}

async function release(clients) {
  await Promise.all(clients.map(refreshed));
  for (const client of clients) client.relayed = undefined;
}

narrow('UDP', 'P1 P3 of a thousand that race for a hundred ports a hundred win, again and again', async (world) => {
  const clients = await Promise.all(Array.from({ length: many(300, 1000) }, async () => renewing(await world.client())));
  for (let round = 0; round < many(5, 1000); round++) {
    const winners = await race(clients);
    assert.equal(winners.length, size);
    await release(winners);
  }
});

narrow('UDP', 'P2 after pairs, halves of pairs, used and forged tokens the range is whole', async (world) => {
  const client = renewing(await world.client());
  const second = renewing(await world.client());
  for (let i = 0; i < many(300, 100_000); i++) {
    const reserves = i % 2 === 0;
    const answer = await client.allocate([udp, evenPort(reserves)]);
    assert.equal(client.relayed.port % 2, 0);
    const token = answer.get(attribute.reservationToken);
    assert.equal(Boolean(token), reserves);
    refused(await second.request(method.allocate, [udp, [attribute.reservationToken, randomBytes(8)]]), 508);
    if (reserves) {
      await second.allocate([udp, [attribute.reservationToken, token]]);
      assert.equal(second.relayed.port, client.relayed.port + 1);
      await refreshed(second);
      refused(await second.request(method.allocate, [udp, [attribute.reservationToken, token]]), 508);
    }
    await refreshed(client);
  }
  client.relayed = second.relayed = undefined;
  const winners = await race(await Promise.all(Array.from({ length: size + 20 }, () => world.client())));
  assert.equal(winners.length, size);
});

const one = suite({ userQuota: 1, tcpRelay: true });
for (const [kind, wanted] of Object.entries({ UDP: udp, TCP: tcp })) {
  one(['TCP', 'TLS'], `P4 with a quota of one, who drops and returns never has two (${kind} relay)`, async (world) => {
    for (let i = 0; i < many(50, 5000); i++) {
      const client = await Client.open(world.server, world.transport);
      await until(async () => {
        const answer = await client.request(method.allocate, [wanted]);
        if (answer.code) refused(answer, 486);
        return answer.code === undefined;
      }, 'the place of the connection that is gone');
      const another = await Client.open(world.server, world.transport);
      refused(await another.request(method.allocate, [wanted]), 486);
      assert.equal(await metric(world.server, 'ahoy_turn_allocations'), 1);
      await Promise.all([another.close(), client.close()]);
    }
    await until(async () => (await metric(world.server, 'ahoy_turn_allocations')) === 0, 'no allocation');
  });
}

const plain = suite({ threads: 1 });
plain('UDP', 'P5 an idle allocation costs at most 4 KiB', async (world, t) => {
  const count = many(2000, 10_000);
  const make = async (n) => {
    for (let i = 0; i < n; i++) await (await world.client()).allocate();
  };
  await make(200);
  const before = world.server.memory();
  await make(count);
  const each = (world.server.memory() - before) / count;
  t.diagnostic(`${Math.round(each)} bytes`);
  assert.ok(each <= 4096, `${each} bytes`);
});

plain(['TCP', 'TLS'], 'P5 a client that does not read costs its queue and no more, and loses whole datagrams', async (world, t) => {
  const { client, peer: listener } = await world.pair();
  granted(await client.bind(0x4000, listener.at));
  const { socket } = client.link;
  const full = () => metric(world.server, 'ahoy_turn_queue_full_total');
  const [before, memory] = [await full(), world.server.memory()];
  const numbered = Buffer.alloc(1000, 'x');
  let sent = 0;
  const send = () => (numbered.writeUInt32BE((sent += 1)), listener.send(numbered, client.relayed));
  socket.pause();
  await until(async () => {
    for (let i = 0; i < 200; i++) await send();
    return (await full()) > before + 1000;
  }, 'a full queue');
  const grown = world.server.memory() - memory;
  t.diagnostic(`${sent} sent, ${grown} bytes more`);
  assert.ok(grown < 2 * MiB, `${grown} bytes`);
  // Then it reads: what it gets is whole and in order, and at its end what is sent from now on.
  socket.resume();
  let last = 0;
  while (sent - last >= 100) {
    await send();
    do {
      const frame = await client.next();
      assert.equal(frame.length, 4 + 1000);
      assert.ok(frame.subarray(8).every((byte) => byte === 120));
      assert.ok(frame.readUInt32BE(4) > last);
      last = frame.readUInt32BE(4);
    } while (client.link.inbox.length > 0);
  }
  await client.fence();
});

const relays = suite({ tcpRelay: true, threads: 1, allow: ['127.0.0.0/8', '198.18.0.0/15'] });
relays('TCP', 'P5 Connects to peers that do not answer are bounded', async (world) => {
  const client = await world.client();
  await client.allocate([tcp]);
  const connectTo = (i) => client.signed(method.connect, [peer(at(`198.18.0.${i}`, 80))]);
  for (let i = 1; i <= 64; i++) await client.send(connectTo(i));
  for (let i = 65; i <= 100; i++) refused(await client.ask(connectTo(i)), 508);
});

const poor = suite({ files: 256, threads: 1 });
poor('UDP', 'E1 with no descriptor left it does not spin, serves who is there, and recovers', async (world, t) => {
  const { address, port } = world.server.at('TCP');
  const client = await honest(world);
  // Whoever is closed for having nothing to say comes again.
  const sockets = new Set();
  let over = false;
  const open = () => new Promise((resolve) => {
    const socket = connect({ host: address, port }, resolve);
    socket.on('error', resolve).on('close', () => {
      sockets.delete(socket);
      if (!over) open();
    });
    sockets.add(socket);
  });
  for (let i = 0; i < 400; i++) await open();
  const before = cpuSeconds(world.server);
  const seconds = many(2, 60);
  await hold(seconds * 1000);
  const share = (cpuSeconds(world.server) - before) / seconds;
  t.diagnostic(`${(share * 100).toFixed(1)} % of a core`);
  assert.ok(share < 0.1, `${share} of a core`);
  granted(await client.refresh());
  const late = await world.client();
  await until(async () => {
    const answer = await late.request(method.allocate, [udp]);
    if (answer.code !== undefined) return refused(answer, 508) ?? true;
    return void (await refreshed(late)); // it came just when somebody was closed
  }, 'a refusal');
  over = true;
  for (const socket of sockets) socket.destroy();
  await honest(world, 'TCP');
});

