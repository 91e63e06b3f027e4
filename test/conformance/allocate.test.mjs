// Group F: Allocate (RFC 8656 §7).

import assert from 'node:assert/strict';
import { attribute, Message, method, uint32, uint8 } from './stun.mjs';
import { family, granted, lifetime, refused, udp } from './client.mjs';
import { allOfTheServers, anywhere, theServers } from './places.mjs';
import { every, suite } from './suite.mjs';

const over = suite();
const v4 = 1, v6 = 2;
const evenPort = (reserve) => [attribute.evenPort, Buffer.from([reserve ? 0x80 : 0])];
const additional = (value) => [attribute.additionalAddressFamily, uint8(value)];
const token = (value = Buffer.alloc(8, 7)) => [attribute.reservationToken, value];

over(every, 'F01 nothing is allocated without authentication', async (world) => {
  const client = await world.client();
  refused(await client.ask(new Message(method.allocate).all([udp])), 401);
  await client.challenge();
  refused(await client.refresh(), 437, 'nothing was allocated:');
});

over(every, 'F02 a second Allocate on the 5-tuple gets 437, and the allocation lives on', async (world) => {
  const client = await world.client();
  await client.allocate();
  refused(await client.request(method.allocate, [udp]), 437);
  granted(await client.refresh());
});

over(every, 'F03 a retransmitted Allocate gets the same addresses, lifetime and token', async (world) => {
  const client = await world.client();
  await client.challenge();
  const message = client.signed(method.allocate, [udp, evenPort(true), lifetime(1000)]);
  const [first, second] = [granted(await client.ask(message)), granted(await client.ask(message))];
  client.relayed = first.address(attribute.xorRelayedAddress);
  assert.deepEqual(second.address(attribute.xorRelayedAddress), client.relayed);
  assert.deepEqual(second.get(attribute.reservationToken), first.get(attribute.reservationToken));
  assert.ok(first.has(attribute.reservationToken));
  assert.equal(first.number(attribute.lifetime), 1000);
  assert.ok(second.number(attribute.lifetime) <= 1000 && second.number(attribute.lifetime) > 900);
});

over(every, 'F04 REQUESTED-TRANSPORT that is missing or of another size gets 400', async (world) => {
  const client = await world.client();
  refused(await client.request(method.allocate), 400);
  for (const size of [0, 1, 3, 5, 8]) {
    refused(await client.request(method.allocate, [[attribute.requestedTransport, Buffer.alloc(size, 17)]]), 400, `${size} bytes:`);
  }
});

over(every, 'F05 another protocol than UDP gets 442', async (world) => {
  const client = await world.client();
  for (const protocol of [0, 1, 132, 255]) {
    refused(await client.request(method.allocate, [[attribute.requestedTransport, uint8(protocol)]]), 442, `${protocol}:`);
  }
});

over(every, 'F06 the reserved bytes of REQUESTED-TRANSPORT are ignored', async (world) => {
  const client = await world.client();
  await client.allocate([[attribute.requestedTransport, Buffer.from([17, 0xff, 0xff, 0xff])]]);
});

over(every, 'F07 DONT-FRAGMENT is supported, or an unknown attribute', async (world) => {
  const client = await world.client();
  const answer = await client.request(method.allocate, [udp, [attribute.dontFragment]]);
  if (answer.code !== 420) client.relayed = granted(answer).address(attribute.xorRelayedAddress);
});

over(every, 'F08 RESERVATION-TOKEN with EVEN-PORT gets 400, in both orders', async (world) => {
  const client = await world.client();
  refused(await client.request(method.allocate, [udp, token(), evenPort(false)]), 400);
  refused(await client.request(method.allocate, [udp, evenPort(true), token()]), 400);
});

over(every, 'F09 RESERVATION-TOKEN with a requested or an additional family gets 400', async (world) => {
  const client = await world.client();
  refused(await client.request(method.allocate, [udp, token(), family(v4)]), 400);
  refused(await client.request(method.allocate, [udp, family(v6), token()]), 400);
  refused(await client.request(method.allocate, [udp, token(), additional(v6)]), 400);
});

over(every, 'F10 an invalid token gets 508', async (world) => {
  const client = await world.client();
  refused(await client.request(method.allocate, [udp, token()]), 508);
});

over(every, 'F10 a token of another size gets 400 or 508', async (world) => {
  const client = await world.client();
  const answer = await client.request(method.allocate, [udp, token(Buffer.alloc(4))]);
  assert.ok([400, 508].includes(answer.code), String(answer));
});

/** An allocation on an even port whose neighbour is held, and the token for that. */
async function reserve(world, options) {
  const client = await world.client(options);
  const answer = await client.allocate([udp, evenPort(true)]);
  return { client, value: answer.get(attribute.reservationToken) };
}

for (const transport of every) {
  over(transport, 'F11 a token holds on every 5-tuple and listener of the server', async (world) => {
    const { client, value } = await reserve(world);
    for (const other of ['UDP', 'TLS']) {
      const second = await world.client({ transport: other });
      const answer = await second.request(method.allocate, [udp, token(value)]);
      if (other === 'TLS') {
        refused(answer, 508, 'once:');
        continue;
      }
      second.relayed = granted(answer).address(attribute.xorRelayedAddress);
      assert.deepEqual(second.relayed, { ...client.relayed, port: client.relayed.port + 1 });
    }
  });
}

over(every, 'F12 a token that was used gets 508', async (world) => {
  const { value } = await reserve(world);
  const [second, third] = [await world.client(), await world.client()];
  await second.allocate([udp, token(value)]);
  refused(await third.request(method.allocate, [udp, token(value)]), 508);
});

over(every, 'F13 a requested together with an additional family gets 400', async (world) => {
  const client = await world.client();
  refused(await client.request(method.allocate, [udp, family(v4), additional(v6)]), 400);
  refused(await client.request(method.allocate, [udp, additional(v6), family(v6)]), 400);
});

over(every, 'F14 a family that does not exist gets 440', async (world) => {
  const client = await world.client();
  for (const value of [0, 3, 255]) refused(await client.request(method.allocate, [udp, family(value)]), 440, `${value}:`);
});

over(['UDP', 'TCP'], 'F14 both families can be asked for', async (world) => {
  for (const [value, length] of [[v4, 8], [v6, 20]]) {
    const client = await world.client();
    const answer = await client.allocate([udp, family(value)]);
    assert.equal(answer.get(attribute.xorRelayedAddress).length, length);
  }
});

over(['UDP', 'TCP', 'UDP6', 'TCP6', 'DTLS6'], 'F15 who asks for no family gets IPv4', async (world) => {
  const client = await world.client();
  assert.equal((await client.allocate()).get(attribute.xorRelayedAddress).length, 8);
});

const sixOnly = suite({ relay: [theServers.v6] });
sixOnly(['UDP', 'UDP6'], 'F15 a server without IPv4 relays says 440 to who asks for no family', async (world) => {
  const client = await world.client();
  refused(await client.request(method.allocate, [udp]), 440);
  refused(await client.request(method.allocate, [udp, family(v4)]), 440);
  await client.allocate([udp, family(v6)]);
});

over(every, 'F16 EVEN-PORT that reserves, with an additional family, gets 400', async (world) => {
  const client = await world.client();
  refused(await client.request(method.allocate, [udp, evenPort(true), additional(v6)]), 400);
});

over(every, 'F17 EVEN-PORT that reserves nothing gives an even port and no token', async (world) => {
  const client = await world.client();
  const answer = await client.allocate([udp, evenPort(false)]);
  assert.equal(client.relayed.port % 2, 0);
  assert.equal(answer.has(attribute.reservationToken), false);
});

over(every, 'F18 EVEN-PORT that reserves gives an even port, and the next one for the token', async (world) => {
  const { client, value } = await reserve(world);
  assert.equal(client.relayed.port % 2, 0);
  assert.equal(value.length, 8);
  const other = await reserve(world);
  assert.notDeepEqual(other.value, value);
  const second = await world.client();
  await second.allocate([udp, token(value)]);
  assert.equal(second.relayed.port, client.relayed.port + 1);
});

// Few ports have to lie where the system gives none to others.
const oneOdd = suite({ ports: [20001, 20001], relay: [theServers.v4] });
oneOdd('UDP', 'F19 an even port that cannot be had gets 508', async (world) => {
  const client = await world.client();
  refused(await client.request(method.allocate, [udp, evenPort(false)]), 508);
  refused(await client.request(method.allocate, [udp, evenPort(true)]), 508);
  await client.allocate();
});

over(every, 'F20 an additional family of IPv4 gets 400', async (world) => {
  const client = await world.client();
  refused(await client.request(method.allocate, [udp, additional(v4)]), 400);
});

over(every, 'F21 an additional family of IPv6 gives two relayed addresses', async (world) => {
  const client = await world.client();
  const answer = await client.allocate([udp, additional(v6)]);
  assert.deepEqual(answer.addresses(attribute.xorRelayedAddress).map(({ address }) => address).sort(), Object.values(theServers).sort());
});

const fourOnly = suite({ relay: [theServers.v4] });
fourOnly(['UDP', 'TCP', 'UDP6'], 'F22 where there is no IPv6, a success says so with ADDRESS-ERROR-CODE', async (world) => {
  const client = await world.client();
  const answer = await client.allocate([udp, additional(v6)]);
  assert.equal(answer.addresses(attribute.xorRelayedAddress).length, 1);
  const value = answer.get(attribute.addressErrorCode);
  assert.ok(value, String(answer));
  assert.equal(value[0], v6);
  assert.ok([440, 508].includes((value[2] & 7) * 100 + value[3]), String(answer));
  refused(await (await world.client()).request(method.allocate, [udp, family(v6)]), 440);
});

const scarce = suite({ ports: [20010, 20011], relay: [theServers.v4] });
scarce('UDP', 'F25 when the ports are used up, 508', async (world) => {
  const clients = [await world.client(), await world.client(), await world.client()];
  await clients[0].allocate();
  await clients[1].allocate();
  assert.notDeepEqual(clients[0].relayed, clients[1].relayed);
  refused(await clients[2].request(method.allocate, [udp]), 508);
});

const quota = suite({ userQuota: 2 });
quota(['UDP', 'TCP'], 'F24 over the quota of a user 486, and another user is not concerned', async (world) => {
  const clients = await Promise.all([1, 2, 3].map(() => world.client()));
  await clients[0].allocate();
  await clients[1].allocate();
  const answer = refused(await clients[2].request(method.allocate, [udp]), 486);
  assert.ok(answer.signedBy(clients[2].key));
  const bob = await world.client({ user: 'bob' });
  await bob.allocate();
  granted(await clients[0].refresh([lifetime(0)]));
  clients[0].relayed = undefined;
  await clients[2].allocate();
});

quota('UDP', 'F24 of many at once exactly the quota succeeds', async (world) => {
  const clients = await Promise.all(Array.from({ length: 16 }, () => world.client()));
  for (const client of clients) await client.challenge();
  const answers = await Promise.all(clients.map((client) => client.request(method.allocate, [udp])));
  answers.forEach((answer, i) => (clients[i].relayed = answer.address(attribute.xorRelayedAddress)));
  assert.deepEqual(answers.map((answer) => answer.code ?? 0).sort(), [0, 0, ...Array(14).fill(486)]);
});

over('UDP', 'F26 relayed ports are dynamic ones, and do not follow each other', async (world) => {
  const ports = [];
  for (let i = 0; i < 12; i++) {
    const client = await world.client();
    await client.allocate();
    ports.push(client.relayed.port);
  }
  for (const port of ports) assert.ok(port >= 49152 && port <= 65535, String(port));
  const steps = ports.slice(1).map((port, i) => port - ports[i]);
  assert.ok(new Set(steps).size > 6, String(ports));
});

over(every, 'F28 lifetimes: 600 unless more is wished, and at most 3600', async (world) => {
  for (const [wished, given] of [[undefined, 600], [1, 600], [600, 600], [1000, 1000], [3600, 3600], [99999, 3600],
    [0xffffffff, 3600]]) {
    const client = await world.client();
    const answer = await client.allocate(wished === undefined ? [udp] : [udp, lifetime(wished)]);
    assert.equal(answer.number(attribute.lifetime), given, `wished ${wished}`);
  }
});

over(['UDP', 'TCP'], 'F29 a lifetime of 0 in Allocate is 600', async (world) => {
  const client = await world.client();
  assert.equal((await client.allocate([udp, lifetime(0)])).number(attribute.lifetime), 600);
});

over(every, 'F30 a success tells the relayed address, the lifetime and the mapped address', async (world) => {
  const client = await world.client();
  const answer = await client.allocate();
  assert.equal(client.relayed.address, theServers.v4);
  assert.deepEqual(answer.address(attribute.xorMappedAddress), client.local);
  assert.equal(answer.get(attribute.lifetime).length, 4);
});

over('UDP', 'F31 SOFTWARE can be left out', async (world) => {
  const client = await world.client();
  const answers = [await client.fence(), await client.challenge()];
  for (const answer of answers) assert.equal(answer.has(attribute.software), false, String(answer));
});

const behindNat = suite({ external: [`192.0.2.7/${theServers.v4}`, `2001:db8::7/${theServers.v6}`] });
behindNat(['UDP', 'TCP'], 'F32 the relayed address is told as the external one of its family', async (world) => {
  const client = await world.client();
  const answer = await client.allocate([udp, additional(v6)]);
  assert.deepEqual(answer.addresses(attribute.xorRelayedAddress).map(({ address }) => address).sort(), ['192.0.2.7', '2001:db8::7']);
});

over(every, 'F33 after deletion the 5-tuple can allocate again', async (world) => {
  const client = await world.client();
  await client.allocate();
  granted(await client.refresh([lifetime(0)]));
  await client.allocate();
});

const wild = suite({ listen: anywhere });
wild('UDP', 'F34 one client port towards two addresses of the server has two allocations', async (world) => {
  const { port } = world.server.at('UDP');
  const first = await world.client({ at: { address: allOfTheServers[0], port }, reuse: true });
  await first.allocate();
  const second = await world.client({ at: { address: allOfTheServers[1], port }, reuse: true, localPort: first.local.port });
  assert.deepEqual(second.local, first.local);
  refused(await second.refresh(), 437);
  await second.allocate();
  assert.notDeepEqual(second.relayed, first.relayed);
  granted(await first.refresh([lifetime(0)]));
  granted(await second.refresh());
});

over(every, 'F36 an allocation belongs to its user', async (world) => {
  const client = await world.client();
  await client.allocate();
  Object.assign(client, { user: 'bob', password: 'builder' });
  refused(await client.refresh([lifetime(0)]), 441);
  Object.assign(client, { user: 'alice', password: 'wonder' });
  granted(await client.refresh([[attribute.lifetime, uint32(900)]]));
});
