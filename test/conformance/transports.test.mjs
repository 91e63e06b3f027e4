// Group C: the transports (RFC 8489 §6.2, RFC 8656 §3.1, RFC 7350, RFC 7443, RFC 7983).

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { attribute, channelData, indication, Message, method, Received } from './stun.mjs';
import { data, granted, peer, refused, udp } from './client.mjs';
import { here } from './places.mjs';
import { suite } from './suite.mjs';
import { patience, transports } from './transport.mjs';

const over = suite();
const streams = ['TCP', 'TLS'];
const binding = () => new Message(method.binding);

over(transports, 'C01 a client allocates and relays', async (world) => {
  const { client, peer: listener } = await world.pair();
  await client.indicate(listener.at, Buffer.from('hello'));
  assert.deepEqual(await listener.receive(), { bytes: Buffer.from('hello'), from: client.relayed });
});

/** Two Bindings with ChannelData and a Send between them, as one run of bytes. */
function mixture(listener) {
  const bindings = [binding(), binding()];
  const bytes = Buffer.concat([bindings[0].bytes(), channelData(0x4000, Buffer.from('a'), { padTo: 4 }),
    new Message(method.send, indication).all([peer(listener.at), data(Buffer.from('b'))]).bytes(), bindings[1].bytes()]);
  return { bindings, bytes };
}

async function arrives(client, listener, pieces, bindings) {
  for (const piece of pieces) {
    await client.send(piece);
    await new Promise(setImmediate);
  }
  for (const message of bindings) granted(await client.answerTo(message));
  assert.equal(String((await listener.receive()).bytes), 'a');
  assert.equal(String((await listener.receive()).bytes), 'b');
}

over(streams, 'C02 messages are put together wherever the stream is cut', async (world) => {
  const { client, peer: listener } = await world.pair();
  granted(await client.bind(0x4000, listener.at));
  const { length } = mixture(listener).bytes;
  for (let cut = 1; cut < length; cut++) {
    const { bytes, bindings } = mixture(listener);
    await arrives(client, listener, [bytes.subarray(0, cut), bytes.subarray(cut)], bindings);
  }
  const { bytes, bindings } = mixture(listener);
  await arrives(client, listener, [...bytes].map((byte) => Buffer.from([byte])), bindings);
});

over(streams, 'C03 of several messages in one segment each is answered', async (world) => {
  const { client, peer: listener } = await world.pair();
  granted(await client.bind(0x4000, listener.at));
  const { bytes, bindings } = mixture(listener);
  await arrives(client, listener, [bytes], bindings);
});

over(streams, 'C04 garbage closes the connection', async (world) => {
  for (const garbage of [Buffer.alloc(64, 0xff), Buffer.concat([binding().bytes().subarray(0, 4), Buffer.alloc(60, 1)])]) {
    const client = await world.client();
    await client.fence();
    await client.send(garbage);
    assert.equal(await client.link.inbox.take('end of the connection'), undefined);
  }
});

over(streams, 'C05 the connection stays open whatever is answered', async (world) => {
  const client = await world.client();
  await client.challenge();
  refused(await client.ask(client.signed(method.refresh)), 437);
  await client.silence(binding().bytes(), new Message(method.binding, indication)).catch(() => {});
  await client.allocate();
  await client.fence();
});

const single = suite({ userQuota: 1 });
single(streams, 'C06 an allocation ends with its connection', async (world) => {
  const [first, second] = [await world.client(), await world.client()];
  await first.allocate();
  refused(await second.request(method.allocate, [udp]), 486);
  await first.close();
  const late = Date.now() + patience;
  let answer;
  do answer = await second.request(method.allocate, [udp]);
  while (answer.code === 486 && Date.now() < late);
  granted(answer);
});

/** What somebody says and then waits, and whether the server ends that. */
const halves = {
  'nothing at all': Buffer.alloc(0),
  'half a TLS hello': Buffer.from('16030100c8010000c40303', 'hex'),
  'half a message': binding().bytes().subarray(0, 10),
  'a message and half of another': Buffer.concat([binding().bytes(), binding().bytes().subarray(0, 10)]),
  'a message': binding().bytes(),
};
over('TCP', 'C07 half messages and silent connections end, and an allocation does not', async (world) => {
  const client = await world.client();
  await client.allocate();
  const { address, port } = world.server.at('TCP'); // where TLS is taken, too
  await Promise.all(Object.values(halves).map(async (half) => {
    const socket = connect({ host: address, port });
    world.own({ close: () => socket.destroy() });
    socket.resume().write(half);
    await once(socket, 'close');
  }));
  await client.fence();
  granted(await client.refresh());
});

function tlsClient(world, options) {
  const { address, port } = world.server.at('TLS');
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: address, port, rejectUnauthorized: false, ...options });
    world.own({ close: () => socket.destroy() });
    socket.once('secureConnect', () => resolve({
      protocol: socket.getProtocol(), cipher: socket.getCipher().standardName, alpn: socket.alpnProtocol,
    }));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed')));
  });
}

for (const version of ['TLSv1.2', 'TLSv1.3']) {
  over('', `C08 ${version} is spoken`, async (world) => {
    const client = await tlsClient(world, { minVersion: version, maxVersion: version });
    assert.equal(client.protocol, version);
  });
}

for (const version of ['TLSv1', 'TLSv1.1']) {
  over('', `C08 ${version} is refused`, async (world) => {
    const old = { minVersion: version, maxVersion: version, ciphers: 'ALL@SECLEVEL=0' };
    await assert.rejects(tlsClient(world, old), /alert|closed|ECONNRESET/i);
  });
}

over('', 'C08 the mandatory suite ECDHE-RSA-AES128-GCM-SHA256 is spoken', async (world) => {
  await tlsClient(world, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' });
});

over('', 'C08 the once mandatory suite DHE-RSA-AES128-GCM-SHA256 is refused (RFC 10015)', async (world) => {
  const old = { maxVersion: 'TLSv1.2', ciphers: 'DHE-RSA-AES128-GCM-SHA256' };
  await assert.rejects(tlsClient(world, old), /alert|closed|ECONNRESET/i);
});

over('', 'C09 any server name is served, and no client certificate is asked for', async (world) => {
  for (const servername of ['turn.example.org', 'other.example.org', '']) await tlsClient(world, { servername });
});

over('', 'C10 ALPN "stun.turn" is selected, and not needed', async (world) => {
  for (const [offered, selected] of [[['stun.turn'], 'stun.turn'], [['h2', 'stun.turn'], 'stun.turn'],
    [['stun.nat-discovery'], 'stun.nat-discovery'], [['h2', 'http/1.1'], 'http/1.1'], [['h2'], false], [undefined, false]]) {
    const client = await tlsClient(world, { ALPNProtocols: offered });
    assert.equal(client.alpn, selected, String(offered));
  }
});

/** What openssl begins with. */
async function clientHello(world) {
  const listener = await world.peer();
  const openssl = spawn('openssl', ['s_client', '-dtls1_2', '-connect', `${listener.at.address}:${listener.at.port}`], { stdio: ['pipe', 'ignore', 'ignore'] });
  const { bytes } = await listener.receive();
  openssl.kill('SIGKILL');
  await once(openssl, 'exit');
  return bytes;
}

over('UDP', 'C11 a DTLS client is asked for a cookie before anything else', async (world) => {
  const client = await world.client({ at: world.server.at('DTLS') });
  const hello = await clientHello(world);
  await client.send(hello);
  const answer = await client.link.inbox.take('answer');
  assert.equal(answer[0], 22, 'a handshake record');
  assert.equal(answer[13], 3, 'HelloVerifyRequest');
  assert.ok(answer.length <= hello.length);
});

for (const [transport, port] of [['UDP', 'DTLS'], ['DTLS', 'UDP'], ['TLS', 'TCP']]) {
  over(transport, `C12 the first byte tells what it is, on the port of ${port} too`, async (world) => {
    const client = await world.client({ at: world.server.at(port) });
    await client.allocate();
    await client.fence();
  });
}

over('UDP', 'C12 what begins like nothing known is dropped', async (world) => {
  const client = await world.client();
  await client.silence(...[4, 15, 19, 24, 63, 80, 127, 128, 191, 192, 255].map((byte) => Buffer.alloc(64, byte)));
});

over('UDP', 'C13 a DTLS record of a stranger that is no ClientHello is dropped', async (world) => {
  const client = await world.client({ at: world.server.at('DTLS') });
  const hello = await clientHello(world);
  const records = [20, 21, 22, 23].map((type) => Buffer.concat([Buffer.from([type, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 1, 0, 32]), Buffer.alloc(32, 7)]));
  await client.silence(...records, hello.subarray(0, 30));
});

const behind = suite({ proxy: true });
/** A connection that begins with these bytes, to the port where balancers come in. */
async function balanced(world, header, transport = 'TCP') {
  const at = world.server.balanced ?? world.server.at(transport);
  const client = await world.client({ transport, at });
  await client.send(header);
  return client;
}

const v2 = (command, familyAndProtocol, address, more = Buffer.alloc(0)) => Buffer.concat([
  Buffer.from('0d0a0d0a000d0a515549540a', 'hex'),
  Buffer.from([0x20 | command, familyAndProtocol, 0, address.length + more.length]), address, more]);
const fourAddresses = Buffer.from([192, 0, 2, 1, 127, 0, 0, 1, 0x30, 0x39, 0x0d, 0x96]);

behind('', 'C14 a PROXY header of version 1 tells the client\'s address', async (world) => {
  const client = await balanced(world, Buffer.from('PROXY TCP4 192.0.2.1 127.0.0.1 12345 3478\r\n'));
  const answer = await client.fence();
  assert.deepEqual(answer.address(attribute.xorMappedAddress), { address: '192.0.2.1', port: 12345 });
});

behind('', 'C14 a PROXY header of version 2 tells the client\'s address, and its extensions are skipped', async (world) => {
  for (const more of [Buffer.alloc(0), Buffer.from([0x04, 0, 3, 1, 2, 3])]) {
    const client = await balanced(world, v2(1, 0x11, fourAddresses, more));
    const answer = await client.fence();
    assert.deepEqual(answer.address(attribute.xorMappedAddress), { address: '192.0.2.1', port: 12345 });
  }
});

behind('', 'C14 a PROXY header of either version comes before TLS, and may tell of an IPv6 client', async (world) => {
  const six = Buffer.from('20010db8000000000000000000000007' + '20010db8000000000000000000000001' + '3039' + '0d96', 'hex');
  for (const header of [Buffer.from('PROXY TCP6 2001:db8::7 2001:db8::1 12345 3478\r\n'), v2(1, 0x21, six)]) {
    const { address, port } = world.server.balanced ?? world.server.at('TLS');
    const plain = connect({ host: address, port });
    plain.write(header);
    const socket = connectTls({ socket: plain, rejectUnauthorized: false });
    world.own({ close: () => socket.destroy() });
    const request = binding();
    socket.write(request.bytes());
    const answer = new Received((await once(socket, 'data'))[0]);
    assert.deepEqual(answer.address(attribute.xorMappedAddress), { address: '2001:db8::7', port: 12345 });
  }
});

behind('', 'C14 LOCAL stands for the connection itself', async (world) => {
  const client = await balanced(world, v2(0, 0, Buffer.alloc(0)));
  assert.deepEqual((await client.fence()).address(attribute.xorMappedAddress), client.local);
});

behind('', 'C14 a malformed PROXY header closes', async (world) => {
  for (const bad of [Buffer.from('PROXY TCP4 192.0.2.1 127.0.0.1 99999 3478\r\n'), v2(5, 0x11, fourAddresses),
    v2(1, 0x11, fourAddresses.subarray(0, 8)), Buffer.from(`PROXY ${'x'.repeat(200)}`)]) {
    const client = await balanced(world, bad);
    assert.equal(await client.link.inbox.take('end of the connection'), undefined);
  }
});

const crowded = suite({ proxy: true, threads: 1, addressConnections: 2 });
crowded('', 'O09 one address has so many connections, and another as many again', async (world) => {
  const from = (address) => balanced(world, Buffer.from(`PROXY TCP4 ${address} 127.0.0.1 12345 3478\r\n`));
  const first = await from('192.0.2.1');
  await first.fence();
  await (await from('192.0.2.1')).fence();
  assert.equal(await (await from('192.0.2.1')).link.inbox.take('end of the connection'), undefined);
  await (await from('192.0.2.2')).fence();
  await first.close();
  await (await from('192.0.2.1')).fence();
});

over('', 'C14 a PROXY header from anybody else is no header', async (world) => {
  const client = await balanced(world, Buffer.from('PROXY TCP4 192.0.2.1 127.0.0.1 12345 3478\r\n'));
  await client.send(binding());
  assert.equal(await client.link.inbox.take('end of the connection'), undefined);
});

over(transports, 'C15 a client of either family has relays of either', async (world) => {
  for (const [value, address] of [[1, here.v4[0]], [2, here.v6]]) {
    const client = await world.client();
    await client.allocate([udp, [attribute.requestedAddressFamily, Buffer.from([value, 0, 0, 0])]]);
    const listener = await world.peer(address);
    granted(await client.permit(listener.at));
    await client.indicate(listener.at, Buffer.from('out'));
    assert.deepEqual(await listener.receive(), { bytes: Buffer.from('out'), from: client.relayed });
    await listener.send(Buffer.from('in'), client.relayed);
    assert.equal(String((await client.next()).get(attribute.data)), 'in');
  }
});
