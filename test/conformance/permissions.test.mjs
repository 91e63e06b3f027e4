// Group H: permissions (RFC 8656 §9, §10).

import assert from 'node:assert/strict';
import { attribute, channelData, indication, Message, method } from './stun.mjs';
import { granted, peer, refused, udp } from './client.mjs';
import { here, nowhere } from './places.mjs';
import { every, suite } from './suite.mjs';

const over = suite();
const at = (address, port = 9) => ({ address, port });
const hello = Buffer.from('hello');
const said = async (listener) => String((await listener.receive()).bytes);

over(every, 'H01 CreatePermission without a peer gets 400', async (world) => {
  const client = await world.client();
  await client.allocate();
  refused(await client.permit(), 400);
});

over(every, 'H02 several peers are all let in', async (world) => {
  const client = await world.client();
  await client.allocate();
  const peers = [await world.peer(here.v4[1]), await world.peer(here.v4[2]), await world.peer(here.v4[3])];
  granted(await client.permit(...peers.map((each) => each.at)));
  for (const each of peers) {
    await client.indicate(each.at, hello);
    assert.equal(await said(each), 'hello');
  }
});

over(every, 'H02 of several peers with a bad one nobody is let in', async (world) => {
  const client = await world.client();
  await client.allocate();
  const listener = await world.peer(here.v4[1]);
  const malformed = [attribute.xorPeerAddress, Buffer.alloc(5)];
  refused(await client.request(method.createPermission, [peer(listener.at), malformed]), 400);
  refused(await client.permit(listener.at, at('10.0.0.1')), 403);
  refused(await client.permit(listener.at, at(here.v6)), 443);
  await client.indicate(listener.at, Buffer.from('early'));
  granted(await client.permit(listener.at));
  await client.indicate(listener.at, hello);
  assert.equal(await said(listener), 'hello');
});

over(every, 'H03 a peer of a family that the allocation does not have gets 443', async (world) => {
  const client = await world.client();
  await client.allocate();
  refused(await client.permit(at(here.v6)), 443);
  refused(await client.permit(at('2001:4860:4860::8888')), 443);
  const six = await world.client();
  await six.allocate([udp, [attribute.requestedAddressFamily, Buffer.from([2, 0, 0, 0])]]);
  refused(await six.permit(at(here.v4[0])), 443);
  granted(await six.permit(at(here.v6)));
});

over(every, 'H04 forbidden peers get 403', async (world) => {
  const client = await world.client();
  await client.allocate();
  for (const address of ['10.0.0.1', '169.254.169.254', '192.168.1.1', '224.0.0.1', '0.0.0.0', '255.255.255.255']) {
    refused(await client.permit(at(address)), 403, address);
  }
});

over(['UDP', 'TCP'], 'H05 a client that opens permissions without end gets 508', async (world) => {
  const client = await world.client();
  await client.allocate();
  const addresses = Array.from({ length: 4000 }, (_, i) => at(nowhere(i)));
  for (let i = 0; i < addresses.length; i += 20) {
    const answer = await client.permit(...addresses.slice(i, i + 20));
    if (answer.code) return void refused(answer, 508);
  }
  assert.fail('4000 permissions were given');
});

over(every, 'H06 a permission is for an address, whatever the port', async (world) => {
  const { client, peer: first } = await world.pair();
  const second = await world.peer();
  assert.notEqual(first.at.port, second.at.port);
  await client.indicate(second.at, hello);
  assert.equal(await said(second), 'hello');
  await second.send(hello, client.relayed);
  assert.deepEqual((await client.next()).address(attribute.xorPeerAddress), second.at);
});

over(every, 'H07 a permission can be renewed', async (world) => {
  const { client, peer: listener } = await world.pair();
  granted(await client.permit(listener.at));
  await client.indicate(listener.at, hello);
  assert.equal(await said(listener), 'hello');
});

over(every, 'H09 what comes from where there is no permission is dropped', async (world) => {
  const { client, peer: friend } = await world.pair({ peerAddress: here.v4[1] });
  const stranger = await world.peer(here.v4[2]);
  await stranger.send(Buffer.from('stranger'), client.relayed);
  await friend.send(Buffer.from('friend'), client.relayed);
  assert.equal(String((await client.next()).get(attribute.data)), 'friend');
});

over(every, 'H10 what is sent to where there is no permission is dropped', async (world) => {
  const { client, peer: friend } = await world.pair({ peerAddress: here.v4[1] });
  const stranger = await world.peer(here.v4[2]);
  await client.indicate(stranger.at, Buffer.from('indication'));
  await client.relay(0x4000, Buffer.from('channel'));
  await client.indicate(friend.at, hello);
  assert.equal(await said(friend), 'hello');
  granted(await client.permit(stranger.at));
  await client.indicate(stranger.at, hello);
  assert.equal(await said(stranger), 'hello');
});

over(every, 'H11 a permission is of one allocation', async (world) => {
  const { client: first, peer: listener } = await world.pair();
  const second = await world.client();
  await second.allocate();
  await second.indicate(listener.at, Buffer.from('second'));
  await second.fence();
  await first.indicate(listener.at, Buffer.from('first'));
  assert.equal(await said(listener), 'first');
});

over(['UDP', 'TCP'], 'H12 the mapped form of an IPv4 peer is that peer, or is refused', async (world) => {
  const { client, peer: listener } = await world.pair();
  const answer = await client.permit({ address: `::ffff:${here.v4[0]}`, port: listener.at.port });
  assert.ok(answer.code === undefined || [400, 403, 443].includes(answer.code), String(answer));
});

over(every, 'H13 without an allocation CreatePermission and ChannelBind get 437, signed', async (world) => {
  const client = await world.client();
  for (const answer of [await client.permit(at(here.v4[0])), await client.bind(0x4000, at(here.v4[0]))]) {
    assert.ok(refused(answer, 437).signedBy(client.key));
  }
});

over(every, 'H02 CreatePermission needs authentication', async (world) => {
  const client = await world.client();
  await client.allocate();
  refused(await client.ask(new Message(method.createPermission).peer(at(here.v4[0]))), 401);
});

over('UDP', 'H10 neither an indication nor ChannelData opens anything', async (world) => {
  const client = await world.client();
  await client.allocate();
  const listener = await world.peer();
  await client.silence(new Message(method.send, indication).peer(listener.at).add(attribute.data, hello),
    channelData(0x4000, hello));
  await listener.send(hello, client.relayed);
  await client.fence();
  granted(await client.permit(listener.at));
  await listener.send(Buffer.from('now'), client.relayed);
  assert.equal(String((await client.next()).get(attribute.data)), 'now');
});
