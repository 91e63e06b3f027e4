// Group O: what must not be possible. And the peers' deny list, with no exception for loopback.

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { attribute, indication, Message, method, uint8 } from './stun.mjs';
import { data, granted, peer, refused, udp } from './client.mjs';
import { crowd, here } from './places.mjs';
import { suite } from './suite.mjs';

const over = suite();
const closed = suite({ allow: [] });
const at = (address, port = 9999) => ({ address, port });
const six = [udp, [attribute.requestedAddressFamily, uint8(2)]];

const denied4 = ['0.0.0.0', '0.1.2.3', '10.0.0.1', '100.64.0.1', '127.0.0.1', '127.255.255.254', '169.254.169.254', '172.16.0.1',
  '172.31.255.255', '192.0.0.1', '192.0.2.1', '192.88.99.1', '192.168.0.1', '198.18.0.1', '198.19.255.255', '198.51.100.1',
  '203.0.113.1', '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255'];
const denied6 = ['::', '::1', '100::1', '2001::1', '2001:db8::1', 'fc00::1', 'fd00:ec2::254', 'fe80::1', 'fec0::1', 'ff02::1'];
const disguised = ['::ffff:127.0.0.1', '::ffff:10.0.0.1', '::127.0.0.1', '::10.0.0.1', '64:ff9b::127.0.0.1', '64:ff9b::10.0.0.1',
  '64:ff9b:1::10.0.0.1', '2002:7f00:1::', '2002:0a00:1::1', '2001:0:7f00:1::', '::ffff:0:127.0.0.1', '::ffff:169.254.169.254'];

async function refusesAll(client, addresses) {
  const allowed = [];
  let number = 0x4000;
  for (const address of addresses) {
    const answers = [await client.bind(number++, at(address))];
    // A permission has no port: one for the relays' own address may open the way to other relays.
    if (address !== client.relayed.address) answers.push(await client.permit(at(address)));
    for (const answer of answers) {
      if (![403, 443].includes(answer.code)) allowed.push(`${address} got ${answer.code ?? 'success'}`);
    }
  }
  assert.deepEqual(allowed, []);
}

closed(['UDP', 'TCP'], 'O01 the special ranges of IPv4 are forbidden', async (world) => {
  const client = await world.client();
  await client.allocate();
  await refusesAll(client, denied4);
  for (const address of ['8.8.8.8', '172.32.0.1', '100.128.0.1']) granted(await client.permit(at(address)));
});

closed(['UDP', 'TCP'], 'O01 the special ranges of IPv6 are forbidden', async (world) => {
  const client = await world.client();
  await client.allocate(six);
  await refusesAll(client, denied6);
  granted(await client.permit(at('2001:4860:4860::8888')));
});

closed(['UDP', 'TCP'], 'O02 a forbidden IPv4 address is forbidden in every form of IPv6', async (world) => {
  const client = await world.client();
  await client.allocate(six);
  await refusesAll(client, disguised);
});

closed('UDP', 'O01 Send reaches nobody who is forbidden, and who is forbidden reaches no client', async (world) => {
  const client = await world.client();
  await client.allocate();
  const listener = await world.peer();
  let heard = false;
  listener.receive().then(() => (heard = true), () => {});
  await client.silence(new Message(method.send, indication).all([peer(listener.at), data(Buffer.from('x'))]));
  await listener.send(Buffer.from('x'), client.relayed);
  await client.fence();
  await client.fence();
  assert.equal(client.unread, 0);
  assert.equal(heard, false);
});

const partly = suite({ deny: [`${here.v4[1]}/32`] });
partly(['UDP', 'TCP'], 'O01 what the operator forbids is forbidden', async (world) => {
  const client = await world.client();
  await client.allocate();
  refused(await client.permit(at(here.v4[1])), 403);
  refused(await client.bind(0x4000, at(here.v4[1])), 403);
  granted(await client.permit(at(here.v4[2])));
});

over(['UDP', 'TCP'], 'O03 the server\'s own ports are nobody\'s peers', async (world) => {
  const client = await world.client();
  await client.allocate();
  refused(await client.bind(0x4000, world.server.at('UDP')), 403);
  refused(await client.bind(0x4001, world.server.at('DTLS')), 403);
});

over('UDP', 'O03 a Send does not reach the server itself', async (world) => {
  const client = await world.client();
  await client.allocate();
  const server = world.server.at('UDP');
  await client.permit(server);
  await client.indicate(server, new Message(method.binding).bytes());
  await client.fence();
  await client.fence();
  assert.equal(client.unread, 0, 'its answer would come back over the relay');
});

over('UDP', 'O04 strangers leave nothing behind', async (world) => {
  const stranger = async (i) => {
    const client = await world.client({ localAddress: crowd(i) });
    await client.challenge();
    client.password = 'wrong';
    refused(await client.ask(client.signed(method.allocate, [udp])), 401);
    await client.fence();
    client.close = async () => {};
    await client.link.close();
  };
  for (let i = 0; i < 300; i++) await stranger(i);
  const before = world.server.memory();
  for (let i = 300; i < 2300; i++) await stranger(i);
  const grown = world.server.memory() - before;
  assert.ok(grown < 512 * 1024, `${grown} bytes more for 2000 strangers`);
});

const odd = ['%n%n%s%x', '\'; DROP TABLE turnusers_lt; --', '"\\"', 'a\r\nevent=forged user=root', '\u0000\u0001\u001b[2J', '{{7*7}}', '../../etc/passwd'];
over(['UDP', 'TLS'], 'O08 names made for other parsers are unknown names', async (world) => {
  for (const user of odd) {
    const client = await world.client({ user, password: 'x' });
    assert.ok([400, 401].includes((await client.request(method.allocate, [udp])).code), JSON.stringify(user));
    await client.fence();
  }
});

const forged = suite({ rest: false, users: { 'a "b"\u00a0c': 'x' } });
forged('UDP', 'O07 no name writes a line of its own into the log', async (world) => {
  for (const user of odd) {
    const client = await world.client({ user, password: 'x' });
    await client.request(method.allocate, [udp]);
  }
  assert.doesNotMatch(world.server.log, /^event=forged/m);
  assert.doesNotMatch(world.server.log, /\u001b\[2J/);
});

over(['TCP', 'TLS'], 'O09 connections that say nothing, or half a handshake, keep nobody else out', async (world) => {
  const { address, port } = world.server.at(world.transport);
  await Promise.all(Array.from({ length: 150 }, (_, i) => new Promise((resolve, reject) => {
    const socket = connect({ host: address, port }, resolve);
    socket.on('error', reject);
    world.own({ close: () => socket.destroy() });
    if (i % 2) socket.write(Buffer.from([0x16, 3, 1, 2, 0, 1, 0]));
  })));
  const client = await world.client();
  await client.allocate();
});

over(['UDP', 'TCP'], 'O10 what goes from relay to relay arrives once', async (world) => {
  const [first, second] = [await world.client(), await world.client()];
  await first.allocate();
  await second.allocate();
  granted(await first.bind(0x4000, second.relayed));
  granted(await second.bind(0x4000, first.relayed));
  await first.relay(0x4000, Buffer.from('once'));
  assert.equal(String((await second.next()).subarray(4)), 'once');
  await first.fence();
  await second.fence();
  await first.fence();
  assert.equal(first.unread + second.unread, 0);
});

const own = suite();
own('UDP', 'O10 a relay that is its own peer does not go round', async (world) => {
  const client = await world.client();
  await client.allocate();
  const answer = await client.bind(0x4000, client.relayed);
  if (answer.code) return void refused(answer, 403);
  await client.relay(0x4000, Buffer.from('round'));
  assert.equal(String((await client.next()).subarray(4)), 'round');
  await client.fence();
  await client.fence();
  assert.equal(client.unread, 0);
});

const draining = suite({ drain: true });
draining('UDP', 'O13 while it drains, calls go on and new ones are refused', async (world) => {
  const { client, peer: listener } = await world.pair();
  const late = await world.client();
  await late.challenge();
  world.server.process.kill('SIGTERM');
  let answer;
  do {
    late.relayed && (await late.refresh([[attribute.lifetime, Buffer.alloc(4)]]));
    answer = await late.request(method.allocate, [udp]);
    late.relayed = answer.address(attribute.xorRelayedAddress);
  } while (answer.code === undefined);
  assert.ok([300, 403, 508].includes(answer.code), String(answer));
  await client.indicate(listener.at, Buffer.from('hello'));
  assert.equal(String((await listener.receive()).bytes), 'hello');
  granted(await client.refresh());
});

const poor = suite({ files: 80, threads: 1 });
poor('UDP', 'O16 when the files are used up, Allocate is refused and the rest goes on', async (world) => {
  const clients = [];
  for (let i = 0; i < 120; i++) {
    const client = await world.client();
    const answer = await client.request(method.allocate, [udp]);
    if (answer.code) {
      assert.ok([486, 508].includes(answer.code), String(answer));
      await client.fence();
      return granted(await clients[0].refresh());
    }
    client.relayed = answer.address(attribute.xorRelayedAddress);
    clients.push(client);
  }
  assert.fail('120 allocations with 80 files');
});
