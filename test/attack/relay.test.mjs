// S: whom a relay reaches. Nobody who is denied, by no method, transport or way to write an address;
// what is counted is what leaves the machine, not what the server says.

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { attribute, channelData, indication, Message, method, uint8 } from '../conformance/stun.mjs';
import { channel, Client, data, family, granted, lifetime, peer, refused, udp } from '../conformance/client.mjs';
import { users } from '../conformance/server.mjs';
import { suite } from '../conformance/suite.mjs';
import { at, flood, growth, many, MiB, outside, relayedPackets, send, tcp } from './attack.mjs';

const every = ['UDP', 'TCP', 'TLS', 'DTLS'];
const both = [udp, [attribute.additionalAddressFamily, uint8(2)]];
const ports = [80, 53, 443, 3478, 22];

const ranges = ['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12',
  '192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24',
  '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'];
const single = ['127.0.0.8', '169.254.169.254', '0.1.2.3', '100.100.100.200', '192.0.0.192', '255.255.255.255'];
const six = ['::', '::1', '100::', '100::ffff:ffff:ffff:ffff', '2001:db8::1', '2001:db8:ffff::1', '2001:2::1',
  '3fff::1', '5f00::1', 'fc00::', 'fd00:ec2::254', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'fe80::1', 'febf::1',
  'fec0::1', 'feff::1', 'ff00::', 'ff02::1', 'ff0e::1', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'];

const dotted = (value) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
const words = (v4) => v4.split('.').map(Number).reduce((pairs, byte, i) => {
  i % 2 ? (pairs[pairs.length - 1] = (pairs.at(-1) << 8) | byte) : pairs.push(byte);
  return pairs;
}, []).map((word) => word.toString(16)).join(':');
const inverted = (v4) => v4.split('.').map((byte) => 255 - byte).join('.');

/** The first, the middle and the last address of a block. */
function samples(block) {
  const [base, length] = block.split('/');
  const first = base.split('.').reduce((value, byte) => (value << 8) | byte, 0) >>> 0;
  const size = 2 ** (32 - length);
  return [first, first + size / 2, first + size - 1].map((value) => dotted(value >>> 0));
}

/** Every IPv6 address that stands for an IPv4 one. */
const disguises = {
  plain: (v4) => v4,
  mapped: (v4) => `::ffff:${v4}`,
  compatible: (v4) => `::${v4}`,
  translated: (v4) => `::ffff:0:${v4}`,
  '6to4': (v4) => `2002:${words(v4)}::1`,
  NAT64: (v4) => `64:ff9b::${v4}`,
  'local NAT64': (v4) => `64:ff9b:1::${v4}`,
  'Teredo server': (v4) => `2001:0:${words(v4)}::f7f7:f7f7`,
  'Teredo client': (v4) => `2001:0:808:808::${inverted(v4)}`,
  ISATAP: (v4) => `2606:4700::5efe:${v4}`,
  'ISATAP, global': (v4) => `2606:4700::200:5efe:${v4}`,
};

const targets4 = [...ranges.flatMap(samples), ...single];
const lastBytes = Array.from({ length: 256 }, (_, byte) => `::ffff:127.0.0.${byte}`);
const targets = [
  ...Object.values(disguises).flatMap((disguise) => targets4.map(disguise)), ...six, ...lastBytes,
].map((address, i) => at(address, ports[i % ports.length]));

/** Those that are neither refused with one of these codes nor met with silence. */
async function allowed(all, codes, ask) {
  const through = [];
  for (const target of all) {
    const answer = await ask(target);
    if (!codes.includes(answer.code)) through.push(`${target.address} got ${answer.code ?? 'success'}`);
  }
  return through;
}

const overUdp = suite(outside);
const overTcp = suite({ ...outside, tcpRelay: true });

overUdp(every, 'S1 no denied address, however written, gets a permission, a channel or a datagram', async (world) => {
  const client = await world.client();
  await client.allocate(both);
  const before = relayedPackets();
  assert.deepEqual(await allowed(targets, [403], (target) => client.permit(target)), []);
  assert.deepEqual(await allowed(targets, [403], (target) => client.bind(0x4000, target)), []);
  for (const target of targets) {
    await client.indicate(target, Buffer.from('x'));
    await client.relay(0x4000, Buffer.from('x'));
  }
  await client.fence();
  assert.equal(client.unread, 0);
  assert.equal(relayedPackets() - before, 0, 'packets that left');
});

overUdp('UDP', 'S1 what is allowed does leave, so that the counter is known to count', async (world) => {
  const client = await world.client();
  await client.allocate(both);
  const before = relayedPackets();
  for (const target of [at('8.8.8.8'), at('2606:4700::1')]) {
    granted(await client.permit(target));
    await client.indicate(target, Buffer.from('x'));
  }
  await client.fence();
  assert.equal(relayedPackets() - before, 2);
});

overTcp(['TCP', 'TLS'], 'S1 S6 no denied address, however written, is connected to', async (world) => {
  const before = relayedPackets();
  for (const version of [1, 2]) {
    const client = await world.client();
    await client.allocate([tcp, family(version)]);
    const connect = (target) => client.request(method.connect, [peer(target)]);
    // Of the other family than the allocation's is 443, which is no way through either.
    assert.deepEqual(await allowed(targets, [403, 443], connect), []);
  }
  assert.equal(relayedPackets() - before, 0, 'connections that were begun');
});

overUdp('UDP', 'S2 a scan of private networks finds nobody, over TCP and UDP services that listen', async (world) => {
  const heard = [];
  const own = '192.0.2.15';
  const secret = createSocket('udp4').on('message', () => heard.push('a datagram'));
  secret.bind(0, own);
  await once(secret, 'listening');
  world.own({ close: () => secret.close() });
  const client = await world.client();
  await client.allocate();
  const before = relayedPackets();
  const port = secret.address().port;
  const scanned = [at(own, port), at('127.0.0.1', port), at('0.0.0.0', port), at('::ffff:127.0.0.1', port)];
  for (let i = 0; i < many(2000, 65_536); i++) {
    const network = ['10.0', '192.168', `172.${16 + (i % 16)}`, '127.0'][i % 4];
    scanned.push(at(`${network}.${(i >> 8) & 255}.${i & 255}`, ports[i % ports.length]));
  }
  for (const target of scanned) {
    await client.permit(target);
    assert.equal((await client.bind(0x4001, target)).code, 403, target.address);
    await client.indicate(target, Buffer.from('who is there'));
    await client.relay(0x4001, Buffer.from('who is there'));
  }
  await client.fence();
  assert.equal(relayedPackets() - before, 0);
  assert.deepEqual(heard, []);
});

overTcp('TCP', 'S2 no service of this machine can be reached through a TCP allocation', async (world) => {
  let reached = 0;
  const secret = createServer(() => (reached += 1)).listen(0, '0.0.0.0');
  await once(secret, 'listening');
  world.own({ close: () => secret.close() });
  const client = await world.client();
  await client.allocate([tcp]);
  const own = ['127.0.0.1', '127.8.9.10', '0.0.0.0', '192.0.2.15', '::ffff:127.0.0.1', '::ffff:192.0.2.15'];
  for (const address of own) {
    refused(await client.request(method.connect, [peer(at(address, secret.address().port))]), 403, address);
  }
  assert.equal(reached, 0);
});

overTcp(['UDP', 'TCP'], 'S2 of all 256 protocols a relay carries UDP, and TCP for who came by a stream', async (world) => {
  const carried = [];
  for (let protocol = 0; protocol < 256; protocol++) {
    const client = await Client.open(world.server, world.transport);
    const answer = await client.request(method.allocate, [[attribute.requestedTransport, uint8(protocol)]]);
    if (answer.code === undefined) carried.push(protocol);
    else assert.ok([442, 400].includes(answer.code), String(answer));
    client.relayed = answer.address(attribute.xorRelayedAddress);
    await client.close();
  }
  assert.deepEqual(carried, world.transport === 'UDP' ? [17] : [6, 17]);
});

const loopback = suite();

loopback(['UDP', 'TCP', 'DTLS'], 'S2 S10 a length beyond the datagram brings back nothing that was not sent', async (world) => {
  const { client, peer: listener } = await world.pair();
  granted(await client.bind(0x4000, listener.at));
  const secret = Buffer.alloc(64, 's');
  const long = send(listener.at, secret).bytes();
  long.writeUInt16BE(35_510, 20 + 12 + 2); // DATA's length
  const messages = [long, channelData(0x4000, secret, { length: 35_510 })];
  if (world.transport === 'TCP') {
    // There the length says how much is still to come: nothing is passed on until it is there.
    for (const message of messages) {
      const other = await world.client();
      await other.send(message);
    }
  } else {
    await client.silence(...messages);
  }
  await client.indicate(listener.at, Buffer.from('after'));
  assert.equal(String((await listener.receive()).bytes), 'after');
});

loopback(['TCP', 'TLS'], 'S10 the padding of ChannelData is zero', async (world) => {
  const { client, peer: listener } = await world.pair();
  granted(await client.bind(0x4000, listener.at));
  const raw = [];
  client.link.socket.on('data', (bytes) => raw.push(bytes));
  for (let size = 1; size < 40; size++) {
    await listener.send(Buffer.alloc(size, 0xff), client.relayed);
    await client.next();
  }
  await client.fence();
  let rest = Buffer.concat(raw);
  for (let size = 1; size < 40; size++) {
    const padded = (size + 3) & ~3;
    const padding = rest.subarray(4 + size, 4 + padded);
    assert.ok(padding.every((byte) => byte === 0), `${size} bytes: ${padding.toString('hex')}`);
    rest = rest.subarray(4 + padded);
  }
});

overUdp('UDP', 'S4 S5 no listener and no unused relay port is anybody\'s peer, whatever the operator allows', async (world) => {
  const client = await world.client();
  await client.allocate();
  const { plain, tls } = world.server.ports;
  const own = client.relayed.address;
  const unused = client.relayed.port === 61999 ? 61000 : client.relayed.port + 1;
  const before = relayedPackets();
  await client.permit(at(own)); // it may be for another relay
  for (const port of [plain, tls, world.server.httpPort, unused]) {
    refused(await client.bind(0x4000, at(own, port)), 403, `port ${port}`);
    await client.indicate(at(own, port), new Message(method.binding).bytes());
  }
  await client.fence();
  assert.equal(relayedPackets() - before, 0);
});

const open = suite({ tcpRelay: true, allow: ['127.0.0.0/8', '::1/128'] });
open('TCP', 'S4 S5 TURN, TLS, metrics and page are not connected to, nor the relay itself', async (world) => {
  const client = await world.client();
  await client.allocate([tcp]);
  const { plain, tls } = world.server.ports;
  for (const port of [plain, tls, world.server.httpPort]) {
    refused(await client.request(method.connect, [peer(at('127.0.0.1', port))]), 403, `port ${port}`);
  }
  refused(await client.request(method.connect, [peer(client.relayed)]), 403, 'itself');
});

loopback('UDP', 'S5 two allocations that are each other\'s peers do not multiply what goes in', async (world) => {
  const [first, second] = [await world.client(), await world.client()];
  await first.allocate();
  await second.allocate();
  granted(await first.bind(0x4000, second.relayed));
  granted(await second.bind(0x4000, first.relayed));
  for (let i = 0; i < many(500, 10_000); i++) {
    await first.relay(0x4000, Buffer.from([i >> 8, i & 255]));
    assert.equal((await second.next()).readUInt16BE(4), i & 0xffff);
  }
  for (const client of [first, second, first]) await client.fence();
  assert.equal(first.unread + second.unread, 0);
});

const behind = [
  [attribute.xorPeerAddress, Buffer.from('000111111111111111111111', 'hex').subarray(0, 8)],
  ...Object.entries(attribute).filter(([name]) => !/^integrity|fingerprint/.test(name))
    .map(([, type]) => [type, Buffer.alloc(4)]),
];

loopback(['UDP', 'TCP'], 'S7 what follows MESSAGE-INTEGRITY changes no byte of an answer', async (world) => {
  const client = await world.client();
  await client.allocate();
  const requests = {
    refresh: [method.refresh, [lifetime(600)]],
    permission: [method.createPermission, [peer(at('127.0.0.1'))]],
    channel: [method.channelBind, [channel(0x4000), peer(at('127.0.0.1'))]],
    forbidden: [method.createPermission, [peer(at('10.0.0.1'))]],
  };
  for (const [name, [which, attributes]] of Object.entries(requests)) {
    for (const extra of behind) {
      const plain = client.signed(which, attributes);
      const expected = await client.ask(plain);
      const more = new Message(which, 0, plain.transaction).all([
        ...attributes, [attribute.username, Buffer.from(client.user)], [attribute.realm, Buffer.from(client.realm)],
        [attribute.nonce, client.nonce]]).integrity(client.key).all([extra]);
      assert.deepEqual((await client.ask(more)).bytes, expected.bytes, `${name}, 0x${extra[0].toString(16)}`);
    }
  }
});

loopback(['UDP', 'TCP'], 'S8 of two peers the first is bound and heard, and both are judged', async (world) => {
  const client = await world.client();
  await client.allocate();
  const [first, last] = [await world.peer(), await world.peer()];
  granted(await client.request(method.channelBind, [channel(0x4000), peer(first.at), peer(last.at)]));
  await client.relay(0x4000, Buffer.from('bound'));
  assert.equal(String((await first.receive()).bytes), 'bound');
  await client.send(new Message(method.send, indication).all([peer(first.at), peer(last.at), data(Buffer.from('sent'))]));
  assert.equal(String((await first.receive()).bytes), 'sent');
  refused(await client.request(method.createPermission, [peer(at('127.0.0.9')), peer(at('10.0.0.1'))]), 403);
  refused(await client.request(method.createPermission, [peer(at('10.0.0.1')), peer(at('127.0.0.9'))]), 403);
});

loopback(['UDP', 'TCP'], 'S9 only its user commands an allocation, in whatever order users come', async (world) => {
  const names = Object.keys(users);
  const clients = await Promise.all(Array.from({ length: 6 }, () => world.client()));
  const owners = [];
  for (const client of clients) {
    client.user = names[randomInt(names.length)];
    client.password = users[client.user];
    await client.allocate();
    owners.push(client.user);
  }
  const requests = [
    [method.refresh, [lifetime(600)]], [method.createPermission, [peer(at('127.0.0.1'))]],
    [method.channelBind, [channel(0x4000), peer(at('127.0.0.1'))]], [method.refresh, [lifetime(0)]],
  ];
  for (let i = 0; i < many(600, 10_000); i++) {
    const which = randomInt(clients.length);
    const client = clients[which];
    client.user = names[randomInt(names.length)];
    client.password = users[client.user];
    const mine = client.user === owners[which];
    const [asked, attributes] = requests[mine ? randomInt(3) : randomInt(4)];
    const answer = await client.request(asked, attributes);
    assert.equal(answer.code, mine ? undefined : 441, `${client.user} for ${owners[which]}`);
  }
  clients.forEach((client, i) => Object.assign(client, { user: owners[i], password: users[owners[i]] }));
});

loopback('UDP', 'S11 every datagram arrives at the peer that it names, once and whole', async (world) => {
  const [allocations, each, window] = [many(40, 1000), many(90, 1000), 20];
  const peers = [await world.peer(), await world.peer(), await world.peer()];
  const seen = new Set();
  let arrived = 0;
  for (const listener of peers) {
    listener.socket.removeAllListeners('message');
    listener.socket.on('message', (bytes) => {
      const { to, sum, ...rest } = JSON.parse(bytes);
      assert.equal(to, listener.at.port, 'misdelivered');
      assert.equal(sum, rest.client * 1_000_003 + rest.number, 'damaged');
      const key = `${rest.client} ${rest.number}`;
      assert.ok(!seen.has(key), 'doubled');
      seen.add(key);
      arrived += 1;
    });
  }
  const clients = [];
  for (let i = 0; i < allocations; i++) {
    const client = await world.client();
    await client.allocate();
    for (const [n, listener] of peers.entries()) granted(await client.bind(0x4000 + n, listener.at));
    clients.push(client);
  }
  for (let number = 0; number < each; number++) {
    for (const [i, client] of clients.entries()) {
      const n = (number + i) % peers.length;
      const text = JSON.stringify({ to: peers[n].at.port, client: i, number, sum: i * 1_000_003 + number });
      client.relay(0x4000 + n, Buffer.from(text));
      // A window, because what a full socket buffer drops tells nothing.
      if (i % window === window - 1) await client.fence();
    }
  }
  for (const client of clients) await client.fence();
  const sent = allocations * each;
  assert.ok(arrived >= sent * 0.99, `${arrived} of ${sent}`);
});

const quiet = suite({ settings: ['turn.stun_rate=0'] });

quiet('UDP', 'S12 of a flood from everywhere but the peer nothing reaches the client', async (world) => {
  const { client, peer: listener } = await world.pair();
  const relay = { at: () => client.relayed };
  const datagrams = [Buffer.from('let me in'), new Message(method.binding).bytes(), channelData(0x4000, Buffer.from('x'))];
  const told = await flood(relay, datagrams, { sources: many(20_000, 333_334) });
  assert.equal(told.replies, 0);
  await client.fence();
  assert.equal(client.unread, 0);
  await listener.send(Buffer.from('it is me'), client.relayed);
  assert.equal(String((await client.next()).get(attribute.data)), 'it is me');
});

for (const [what, open] of Object.entries({
  permissions: (client, i) => client.permit(at(`127.1.${i >> 8}.${i & 255}`)),
  channels: (client, i) => client.bind(0x4000 + i, at('127.0.0.9', 1000 + i)),
})) {
  quiet(['UDP', 'TCP'], `S13 P5 ${what} without end are refused, and cost no memory`, async (world) => {
    const client = await world.client();
    await client.allocate();
    let count = 0;
    while ((await open(client, count)).code === undefined) count += 1;
    assert.equal(count, 128);
    const { grown } = await growth(world.server, async () => {
      for (let i = count; i < many(2000, 16_000); i++) refused(await open(client, i), 508);
    });
    assert.ok(grown < MiB, `${grown} bytes`);
  });
}

