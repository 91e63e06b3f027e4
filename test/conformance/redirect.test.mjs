// Group E: ALTERNATE-SERVER (RFC 8489 §10, §14.15), and its form on the wire.

import assert from 'node:assert/strict';
import { attribute, Message, method, readAddress } from './stun.mjs';
import { refused, udp } from './client.mjs';
import { suite } from './suite.mjs';

const over = suite({ alternate: '127.0.0.9:3999' });
const some = ['UDP', 'TCP'];

over(some, 'E01 a redirection comes only after authentication', async (world) => {
  const client = await world.client();
  refused(await client.ask(new Message(method.allocate).all([udp])), 401);
});

over(some, 'E01 a redirection is signed', async (world) => {
  const client = await world.client();
  const answer = refused(await client.request(method.allocate, [udp]), 300);
  assert.ok(answer.signedBy(client.key));
});

over(some, 'E02 the other server has an address of the client\'s family', async (world) => {
  const client = await world.client();
  const answer = await client.ask(new Message(method.allocate).all([udp]));
  const value = (answer.code === 300 ? answer : await client.request(method.allocate, [udp])).get(attribute.alternateServer);
  assert.equal(value[1], 1);
});

over(some, 'A26 ALTERNATE-SERVER is 0x8023, and not xored', async (world) => {
  const client = await world.client();
  const answer = await client.ask(new Message(method.allocate).all([udp]));
  const value = (answer.code === 300 ? answer : await client.request(method.allocate, [udp])).get(0x8023);
  assert.deepEqual(readAddress(value), { address: '127.0.0.9', port: 3999 });
});
