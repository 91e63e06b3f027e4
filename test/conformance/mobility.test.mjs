// Group M: mobility (RFC 8016).

import assert from 'node:assert/strict';
import { attribute, method } from './stun.mjs';
import { granted, lifetime, refused, udp } from './client.mjs';
import { users } from './server.mjs';
import { suite } from './suite.mjs';

const over = suite({ mobility: true });
const without = suite();
const some = ['UDP', 'TCP', 'TLS', 'DTLS'];
const ticket = (value = Buffer.alloc(0)) => [attribute.mobilityTicket, value];

async function mobile(world, options) {
  const client = await world.client(options);
  const answer = await client.allocate([udp, ticket()]);
  return { client, value: answer.get(attribute.mobilityTicket) };
}

/** Refresh with a ticket; the allocation may want a nonce of its own, which a 438 brings. */
async function move(client, value, more = []) {
  const answer = await client.refresh([ticket(value), ...more]);
  if (answer.code !== 438) return answer;
  client.remember(answer);
  return client.refresh([ticket(value), ...more]);
}

over(some, 'M01 who asks for a ticket gets one', async (world) => {
  const { value } = await mobile(world);
  assert.ok(value?.length > 0);
});

over(some, 'M02 a ticket in an Allocate gets 400', async (world) => {
  const client = await world.client();
  refused(await client.request(method.allocate, [udp, ticket(Buffer.alloc(8, 1))]), 400);
});

without(some, 'M03 switched off, a ticket gets 405', async (world) => {
  const client = await world.client();
  refused(await client.request(method.allocate, [udp, ticket()]), 405);
});

over(some, 'M04 a Refresh with the ticket takes the allocation over, and gives a new ticket', async (world) => {
  const { client, value } = await mobile(world);
  const second = await world.client();
  const answer = granted(await move(second, value));
  second.relayed = client.relayed;
  const next = answer.get(attribute.mobilityTicket);
  assert.ok(next?.length > 0);
  assert.notDeepEqual(next, value);
});

over(some, 'M05 a forged ticket gets 437', async (world) => {
  const { value } = await mobile(world);
  const second = await world.client();
  const forged = Buffer.from(value);
  forged[forged.length - 1] ^= 1;
  for (const bad of [forged, Buffer.alloc(value.length), Buffer.from('x')]) {
    refused(await move(second, bad), 437);
  }
});

over(some, 'M06 a ticket is of its user', async (world) => {
  const { value } = await mobile(world);
  const bob = await world.client({ user: 'bob', password: users.bob });
  refused(await move(bob, value), 441);
});

over(some, 'M07 after the move data goes to the new 5-tuple', async (world) => {
  const { client, value } = await mobile(world);
  const listener = await world.peer();
  granted(await client.permit(listener.at));
  const second = await world.client();
  granted(await move(second, value));
  second.relayed = client.relayed;
  await second.indicate(listener.at, Buffer.from('moved'));
  const { from } = await listener.receive();
  assert.deepEqual(from, client.relayed);
  await listener.send(Buffer.from('back'), from);
  assert.equal(String((await second.next()).get(attribute.data)), 'back');
});

over(['UDP', 'TCP'], 'M08 a ticket that was followed by another is of no use', async (world) => {
  const { value } = await mobile(world);
  const [second, third, fourth] = [await world.client(), await world.client(), await world.client()];
  const next = granted(await move(second, value)).get(attribute.mobilityTicket);
  granted(await move(third, next));
  refused(await move(fourth, value), 437);
});

const single = suite({ mobility: true, userQuota: 1 });
single(['UDP', 'TCP'], 'M09 a move is no further allocation, and hides none', async (world) => {
  let { client, value } = await mobile(world);
  for (let i = 0; i < 3; i++) {
    const next = await world.client();
    value = granted(await move(next, value)).get(attribute.mobilityTicket);
    next.relayed = client.relayed;
    client = next;
  }
  refused(await (await world.client()).request(method.allocate, [udp]), 486);
  granted(await client.refresh([lifetime(0)]));
  client.relayed = undefined;
  await (await world.client()).allocate();
});

over('', 'M10 an allocation moves from UDP to TCP', async (world) => {
  const { client, value } = await mobile(world, { transport: 'UDP' });
  const second = await world.client({ transport: 'TCP' });
  granted(await move(second, value));
  const listener = await world.peer();
  granted(await second.permit(listener.at));
  await second.indicate(listener.at, Buffer.from('moved'));
  assert.deepEqual((await listener.receive()).from, client.relayed);
});

over('', 'M10 from any transport to any other data flows both ways', async (world) => {
  const listener = await world.peer();
  let { client, value } = await mobile(world, { transport: 'UDP' });
  granted(await client.permit(listener.at));
  const ways = some.flatMap((from) => some.flatMap((to) => [from, to]));
  for (const transport of ways) {
    const next = await world.client({ transport });
    value = granted(await move(next, value)).get(attribute.mobilityTicket);
    next.relayed = client.relayed;
    await next.indicate(listener.at, Buffer.from(transport));
    const { bytes, from } = await listener.receive();
    assert.equal(String(bytes), transport);
    assert.deepEqual(from, client.relayed);
    await listener.send(Buffer.from('back'), from);
    assert.equal(String((await next.next()).get(attribute.data)), 'back');
    client = next;
  }
});

over(['TCP', 'TLS'], 'M10 a mobile allocation outlives its connection', async (world) => {
  const { client, value } = await mobile(world);
  const listener = await world.peer();
  granted(await client.permit(listener.at));
  await client.link.close();
  const second = await world.client({ transport: 'UDP' });
  granted(await move(second, value));
  second.relayed = client.relayed;
  await second.indicate(listener.at, Buffer.from('moved'));
  assert.deepEqual((await listener.receive()).from, client.relayed);
});
