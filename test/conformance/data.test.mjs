// Group I: Send and Data indications, ICMP errors (RFC 8656 §11).

import assert from 'node:assert/strict';
import { attribute, indication, Message, method } from './stun.mjs';
import { data, granted, lifetime, peer, udp } from './client.mjs';
import { here } from './places.mjs';
import { every, everyPair, suite } from './suite.mjs';

const over = suite();
const hello = Buffer.from('hello');
const send = (...attributes) => new Message(method.send, indication).all(attributes);

over(every, 'I01 a Send without a peer or without data is discarded', async (world) => {
  const { client, peer: listener } = await world.pair();
  await client.silence(send(data(hello)), send(peer(listener.at)), send());
  await client.indicate(listener.at, Buffer.from('whole'));
  assert.equal(String((await listener.receive()).bytes), 'whole');
});

over(every, 'I02 a Send of no bytes is an empty datagram', async (world) => {
  const { client, peer: listener } = await world.pair();
  await client.indicate(listener.at, Buffer.alloc(0));
  const { bytes, from } = await listener.receive();
  assert.equal(bytes.length, 0);
  assert.deepEqual(from, client.relayed);
});

over(every, 'I03 a Send without an allocation is ignored', async (world) => {
  const client = await world.client();
  const listener = await world.peer();
  await client.silence(send(peer(listener.at), data(hello)));
});

over(['UDP', 'TCP', 'UDP6'], 'I04 a Send that asks not to be fragmented arrives, and so does the next that does not', async (world) => {
  const { client, peer: listener } = await world.pair();
  for (const more of [[[attribute.dontFragment]], []]) {
    await client.indicate(listener.at, hello, more);
    assert.equal(String((await listener.receive()).bytes), 'hello');
  }
});

over(every, 'I07 what comes from a peer is a Data indication with its address and its bytes', async (world) => {
  const { client, peer: listener } = await world.pair();
  for (const text of ['hello', 'hello1', 'hello12', 'hello123']) {
    await listener.send(Buffer.from(text), client.relayed);
    const message = await client.next();
    assert.equal(message.bytes.readUInt16BE(0), 0x0017);
    assert.deepEqual(message.address(attribute.xorPeerAddress), listener.at);
    assert.equal(String(message.get(attribute.data)), text);
    for (const { padding } of message.attributes) assert.ok(padding.every((byte) => byte === 0));
  }
});

over(['UDP', 'TCP'], 'I07 over an IPv6 relay too', async (world) => {
  const client = await world.client();
  await client.allocate([udp, [attribute.requestedAddressFamily, Buffer.from([2, 0, 0, 0])]]);
  const listener = await world.peer(here.v6);
  granted(await client.permit(listener.at));
  await listener.send(hello, client.relayed);
  assert.deepEqual((await client.next()).address(attribute.xorPeerAddress), listener.at);
  await client.indicate(listener.at, hello);
  assert.deepEqual(await listener.receive(), { bytes: hello, from: client.relayed });
});

over(everyPair, 'I08 what comes from a peer with a channel is ChannelData', async (world) => {
  const { client, peer: listener } = await world.pair();
  granted(await client.bind(0x4001, listener.at));
  await listener.send(hello, client.relayed);
  assert.deepEqual(await client.next(), Buffer.concat([Buffer.from([0x40, 0x01, 0, 5]), hello]));
});

over(every, 'I09 an empty datagram of a peer is a Data indication with empty DATA', async (world) => {
  const { client, peer: listener } = await world.pair();
  await listener.send(Buffer.alloc(0), client.relayed);
  const message = await client.next();
  assert.equal(message.get(attribute.data)?.length, 0, String(message));
});

for (const size of [1, 1472, 4000]) {
  over(every, `I10 ${size} bytes pass both ways unchanged`, async (world) => {
    const { client, peer: listener } = await world.pair();
    const bytes = Buffer.from(Uint8Array.from({ length: size }, (_, i) => i * 7));
    await client.indicate(listener.at, bytes);
    assert.deepEqual((await listener.receive()).bytes, bytes);
    await listener.send(bytes, client.relayed);
    assert.deepEqual((await client.next()).get(attribute.data), bytes);
  });
}

over(['TCP', 'TLS'], 'I10 the largest datagram passes both ways in ChannelData on a stream', async (world) => {
  const { client, peer: listener } = await world.pair();
  granted(await client.bind(0x4000, listener.at));
  const bytes = Buffer.alloc(65507, 'x');
  await client.relay(0x4000, bytes);
  assert.deepEqual((await listener.receive()).bytes, bytes);
  await listener.send(bytes, client.relayed);
  assert.deepEqual((await client.next()).subarray(4), bytes);
});

/** A port where nobody listens any more. */
async function deaf(world) {
  const listener = await world.peer();
  const { at } = listener;
  await listener.close();
  listener.close = async () => {};
  return at;
}

over(['UDP', 'TCP', 'TLS', 'DTLS', 'UDP6'], 'I13 an ICMP error is a Data indication with the ICMP attribute', async (world) => {
  const { client } = await world.pair();
  const nobody = await deaf(world);
  await client.indicate(nobody, hello);
  const message = await client.next();
  assert.equal(message.bytes.readUInt16BE(0), 0x0017);
  assert.equal(message.address(attribute.xorPeerAddress).address, nobody.address);
  const value = message.get(attribute.icmp);
  assert.ok(value, String(message));
  // Destination unreachable, port unreachable; error data zero.
  assert.deepEqual([...value], [0, 0, 3, 3, 0, 0, 0, 0]);
  assert.equal(message.has(attribute.data), false);
});

over(['UDP', 'TCP'], 'I13 an ICMPv6 error too', async (world) => {
  const client = await world.client();
  await client.allocate([udp, [attribute.requestedAddressFamily, Buffer.from([2, 0, 0, 0])]]);
  const listener = await world.peer(here.v6);
  granted(await client.permit(listener.at));
  const gone = listener.at;
  await listener.close();
  listener.close = async () => {};
  await client.indicate(gone, hello);
  const value = (await client.next()).get(attribute.icmp);
  assert.deepEqual([...(value ?? [])], [0, 0, 1, 4, 0, 0, 0, 0]);
});

over(['UDP', 'TCP'], 'I14 after ICMP errors the relay goes on', async (world) => {
  const { client, peer: listener } = await world.pair();
  const nobody = await deaf(world);
  for (let i = 0; i < 5; i++) await client.indicate(nobody, hello);
  await client.indicate(listener.at, hello);
  assert.equal(String((await listener.receive()).bytes), 'hello');
});

over(every, 'I15 a Data indication from a client is dropped', async (world) => {
  const { client, peer: listener } = await world.pair();
  await client.silence(new Message(method.data, indication).all([peer(listener.at), data(Buffer.from('no'))]));
  await client.indicate(listener.at, Buffer.from('yes'));
  assert.equal(String((await listener.receive()).bytes), 'yes');
});

over(every, 'I06 a deleted allocation relays nothing more', async (world) => {
  const { client, peer: listener } = await world.pair();
  const second = await world.client();
  await second.allocate();
  granted(await second.permit(listener.at));
  granted(await client.refresh([lifetime(0)]));
  await client.indicate(listener.at, Buffer.from('late'));
  await client.fence();
  await second.indicate(listener.at, hello);
  assert.equal(String((await listener.receive()).bytes), 'hello');
});

// So slow that what is in the bucket at first is nearly all that passes.
const limited = suite({ bandwidth: 1000 });

limited(['UDP', 'TCP', 'DTLS'], 'F37 above the bandwidth limit datagrams are dropped, and those that pass are whole', async (world) => {
  const { client, peer: listener } = await world.pair();
  const other = await world.peer();
  granted(await client.bind(0x4000, listener.at));
  const count = 200;
  const numbered = (number) => Buffer.alloc(1000, number);
  for (let number = 0; number < count; ++number) {
    await client.relay(0x4000, numbered(number));
    if (number % 20 === 19) await client.fence();
  }
  await client.fence();
  await other.send(Buffer.from('end'), listener.at);
  let passed = 0;
  for (let { bytes } = await listener.receive(); String(bytes) !== 'end'; { bytes } = await listener.receive()) {
    assert.deepEqual(bytes, numbered(bytes[0]));
    ++passed;
  }
  assert.ok(passed >= 100 && passed < count, `${passed} of ${count} passed`);
  granted(await client.refresh([lifetime(600)]), 'requests are answered all the same:');
});
