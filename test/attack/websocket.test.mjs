// W: WebSockets, of both dialects, as only attackers and broken networks use them.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import test, { after, before } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { Server } from '../e2e/server.mjs';
import { many, MiB, until } from './attack.mjs';
import { answered, besides, descriptors, dialects, empty, entered, frame, gauge, joined, memory, post, upgradeRequest, Wire } from './web.mjs';

let server;
const settings = ['tls.listen=["127.0.0.1:0"]', 'server.address_connections=0', 'server.max_connections=100000',
  'rooms.joins_per_minute=0', 'rooms.register_timeout="5s"', 'rooms.resume_timeout="5s"'];
before(async () => {
  server = await Server.start({ settings });
  server.tlsPort = Number(/\bhttps=127\.0\.0\.1:(\d+)/.exec(server.log)?.[1]);
});
after(() => server.stop());

const hello = (room) => frame(JSON.stringify({ type: 'hello', version: 1, room, name: 'Mallory' }));

/** A socket that is where honest ones are: registered, or welcomed. */
async function seated(dialect, room, { port = server.port } = {}) {
  const wire = await Wire.open({ port });
  assert.ok(await wire.upgrade(dialects[dialect]));
  if (dialect === 'native') {
    wire.write(hello(room));
    await wire.says(/"type":"welcome"/);
  } else {
    const { params } = JSON.parse((await post({ url: `http://127.0.0.1:${port}` }, `/join/${room}`)).text);
    wire.write(frame(JSON.stringify({ cmd: 'register', roomid: room, clientid: params.client_id })));
    wire.write(frame('{"cmd":"what"}'));
    await wire.says(/unexpected 'cmd'/);
  }
  wire.bytes = Buffer.alloc(0);
  return wire;
}

/** What a TLS client says first. */
async function clientHello() {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const client = connectTls({ port: listener.address().port, host: '127.0.0.1' }).on('error', () => {});
  const [socket] = await once(listener, 'connection');
  const [hello] = await once(socket, 'data');
  client.destroy();
  socket.destroy();
  listener.close();
  return hello;
}

test('W2 half-open connections of every kind cost little, disturb nobody, and end', { timeout: 600_000 }, async (t) => {
  const each = many(150, 2000);
  const greeting = await clientHello();
  const kinds = {
    'no byte': () => Wire.open({ port: server.port }),
    'half a request': async () => (await Wire.open({ port: server.port })).write(upgradeRequest('/ws').slice(0, -2)),
    'half a TLS hello': async () => (await Wire.open({ port: server.tlsPort })).write(greeting.subarray(0, -1)),
    'TLS, and no end of the handshake': async () => (await Wire.open({ port: server.tlsPort })).write(greeting),
    'upgraded for /ws': async () => {
      const wire = await Wire.open({ port: server.port });
      await wire.upgrade('/ws');
      return wire;
    },
    'upgraded for /v1/ws': async () => {
      const wire = await Wire.open({ port: server.port });
      await wire.upgrade('/v1/ws');
      return wire;
    },
  };
  await besides(t, server, async () => {
    const wires = [];
    for (const [kind, open] of Object.entries(kinds)) {
      const before = memory(server);
      for (let i = 0; i < each; i += 50) wires.push(...(await Promise.all(Array.from({ length: 50 }, open))));
      t.diagnostic(`${kind}: ${((memory(server) - before) / each / 1024).toFixed(1)} KiB each`);
      // OpenSSL keeps more for a handshake than HTTP does for a request.
      assert.ok(memory(server) - before < each * (kind.startsWith('TLS') ? 128 : 40) * 1024 + MiB, kind);
    }
    await until(() => wires.every((wire) => wire.ended), 'all are closed', 120_000);
  });
  await until(async () => (await gauge(server, 'ahoy_http_connections')) <= 4, 'and gone');
});

for (const [dialect, path] of Object.entries(dialects)) {
  test(`W3 frames that promise or hide too much end the connection, and cost nothing (${dialect})`, { timeout: 300_000 }, async () => {
    const big = 256 * 1024 + 1;
    const cases = [
      ['a message too large', [frame(Buffer.alloc(big, 'a'))], 1009],
      ['a length of 2^63', [frame('', { length: 1n << 63n })], 1002, 1009],
      ['a length of 2^62', [frame('', { length: 1n << 62n })], 1009],
      ['a compressed one', [frame('x', { reserved: 4 })], 1002],
      ['no mask', [frame('{}', { masked: false })], 1002],
      ['a long ping', [frame(Buffer.alloc(126), { opcode: 9 })], 1002],
      ['a ping in fragments', [frame('', { opcode: 9, last: false })], 1002],
      ['what continues nothing', [frame('x', { opcode: 0 })], 1002],
      ['a message within a message', [frame('{', { last: false }), frame('}')], 1002],
      ['an unknown opcode', [frame('x', { opcode: 3 })], 1002],
      ['no UTF-8', [frame(Buffer.from([0xc3, 0x28]))], 1007],
      ['a close of one byte', [frame('x', { opcode: 8 })], 1002],
    ];
    for (const [what, frames, ...codes] of cases) {
      const wire = await Wire.open({ port: server.port });
      assert.ok(await wire.upgrade(path));
      const before = memory(server);
      wire.write(Buffer.concat(frames));
      await until(() => wire.closeCode !== undefined || wire.ended, what);
      wire.end();
      assert.ok(codes.includes(wire.closeCode), `${what}: ${wire.closeCode}`);
      assert.ok(memory(server) - before < 2 * MiB, what);
    }
    // A million fragments of one byte each.
    const wire = await seated(dialect, `fragments-${dialect}`);
    const before = memory(server);
    const one = Buffer.concat(Array.from({ length: 1000 }, () => frame('x', { opcode: 0, last: false })));
    wire.write(frame('x', { last: false }));
    for (let i = 0; i < many(150, 1000) && !wire.ended; i++) {
      if (!wire.socket.write(one)) await Promise.race([new Promise((resolve) => wire.socket.once('drain', resolve)), wire.gone]);
    }
    await wire.gone;
    assert.ok(memory(server) - before < 2 * MiB);
  });

  test(`W4 who pings or talks without end is stopped, and others hear each other (${dialect})`, { timeout: 300_000 }, async (t) => {
    await besides(t, server, async () => {
      const pinging = await seated(dialect, `pings-${dialect}`);
      const pings = Buffer.concat(Array.from({ length: 1000 }, () => frame('', { opcode: 9 })));
      for (let i = 0; i < many(50, 1000) && !pinging.ended; i++) {
        if (!pinging.socket.write(pings)) await Promise.race([new Promise((resolve) => pinging.socket.once('drain', resolve)), pinging.gone]);
      }
      pinging.end();
      const talking = await seated(dialect, `talk-${dialect}`);
      const text = dialect === 'native' ? (i) => `{"type":"chat","id":${i},"text":"x"}` : () => '{"cmd":"send","msg":"x"}';
      for (let i = 0; i < 50 && !talking.ended; i++) {
        talking.write(Buffer.concat(Array.from({ length: 1000 }, (_, k) => frame(text(i * 1000 + k + 1)))));
        await new Promise(setImmediate);
      }
      await talking.gone;
      // Often the reset comes before the reason, since the rest was not read.
      if (talking.closeCode !== undefined) assert.equal(talking.closeCode, 1008);
    });
  });

  test(`W5 who does not read is dropped when enough waits, and nobody else waits (${dialect})`, { timeout: 900_000 }, async (t) => {
    const pairs = many(10, 500);
    const fast = await Server.start({ settings: [...settings, 'rooms.messages_per_second=0', 'rooms.bytes_per_second=0'] });
    t.after(() => fast.stop());
    const before = memory(fast);
    await besides(t, fast, async () => {
      const one = async (i) => {
        const room = `slow-${dialect}-${i}`;
        const deaf = await seated(dialect, room, { port: fast.port });
        deaf.socket.pause();
        const talker = dialect === 'native' ? await entered(fast, room) : await joined(fast, room);
        const text = 'x'.repeat(60_000);
        // Until it is missed: what the kernel takes for the deaf one comes on top of its queue.
        if (dialect === 'native') {
          for (let gone = false; !gone; ) {
            talker.ask('message', { data: text });
            for (let answer = {}; answer.type !== 'ack'; ) {
              answer = await talker.socket.hear();
              gone ||= answer.connected === false;
            }
          }
        } else {
          let told = false;
          talker.socket.hear().then(() => (told = true)); // its queue is full, or it is gone
          while (!told) {
            for (let n = 0; n < 10; n++) talker.socket.say({ cmd: 'send', msg: text });
            await answered(fast);
          }
        }
        deaf.end();
        talker.socket.vanish();
      };
      // So few at once that their queues are full before the kernel gives up on them (30 s).
      for (let i = 0; i < pairs; i += 10) await Promise.all(Array.from({ length: 10 }, (_, k) => one(i + k)));
      const slow = await gauge(fast, 'ahoy_websocket_slow_readers_total');
      assert.ok(slow > 0 && slow <= pairs, `${slow} slow readers`); // on a busy machine some are lost sooner
      t.diagnostic(`${slow} of ${pairs} dropped for their queues`);
      t.diagnostic(`${((memory(fast) - before) / MiB).toFixed(1)} MiB for ${pairs} who do not read`);
    });
    assert.ok(memory(fast) - before < pairs * 2.5 * MiB + 16 * MiB);
  });

  test(`W7 a connection may end at every byte (${dialect})`, { timeout: 900_000 }, async () => {
    const room = `cut-${dialect}`;
    const id = dialect === 'native' ? '' : JSON.parse((await post(server, `/join/${room}`)).text).params.client_id;
    const said = dialect === 'native'
      ? [hello(room), frame('{"type":"chat","id":1,"text":"hello"}'), frame('{"type":"set","id":2,"mic":true}'), frame('{"type":"leave","id":3}')]
      : [frame(JSON.stringify({ cmd: 'register', roomid: room, clientid: id })), frame('{"cmd":"send","msg":"hello"}'), frame('x', { opcode: 9 })];
    const exchange = Buffer.concat([Buffer.from(upgradeRequest(path)), ...said, frame(Buffer.from([3, 232]), { opcode: 8 })]);
    const files = descriptors(server);
    const step = many(5, 1);
    for (let at = 0; at <= exchange.length; at += step * 10) {
      await Promise.all(Array.from({ length: 10 }, async (_, i) => {
        const wire = await Wire.open({ port: server.port });
        await new Promise((resolve) => wire.socket.write(exchange.subarray(0, at + i * step), resolve));
        i % 2 ? wire.reset() : wire.socket.end();
        await wire.gone;
      }));
    }
    await empty(server, 60_000).catch(async (error) => {
      // Of AppRTC's one joined without a socket, and alone it may stay.
      if (dialect === 'native' || (await gauge(server, 'ahoy_websockets')) !== 0) throw error;
    });
    if (id) await post(server, `/leave/${room}/${id}`);
    await until(() => descriptors(server) <= files + 4, 'no descriptor is left open');
  });

  test(`W7 reads may be cut at every byte, and the same comes of it (${dialect})`, { timeout: 900_000 }, async () => {
    let rooms = 1000; // names of one length
    const said = (room) => dialect === 'native' ? [hello(room), frame('{"type":"ping","time":7}'), frame('{"type":"leave","id":1}')]
      : [frame('{"cmd":"what"}'), frame('x', { opcode: 9 }), frame('{"cmd":"send","msg":"x"}')];
    const exchange = () => Buffer.concat([Buffer.from(upgradeRequest(path)), ...said(`slices-${++rooms}`)]);
    const size = exchange().length;
    const shown = (wire) => wire.text.replace(/Date: .*|"(id|resume|username|credential)":("[^"]*"|\d+)|slices-\d+|\x81~[^]{2}|Sec-WebSocket-Accept: .*/g, '');
    const cut = async (at) => {
      const wire = await Wire.open({ port: server.port });
      wire.socket.setNoDelay(true);
      const whole = exchange();
      wire.write(whole.subarray(0, at));
      await answered(server);
      wire.write(whole.subarray(at));
      await until(() => wire.text.includes('\x88\x02') || wire.ended, 'the close');
      wire.end();
      return shown(wire);
    };
    const expected = await cut(0);
    for (let at = 1; at < size; at += 5 * many(3, 1)) {
      const all = await Promise.all(Array.from({ length: 5 }, (_, i) => cut(at + i * many(3, 1))));
      all.forEach((each, i) => assert.equal(each, expected, `cut at ${at + i * many(3, 1)}`));
    }
    assert.match(expected, dialect === 'native' ? /"pong","time":7.*"bye"/s : /unexpected 'cmd'.*not registered/s);
  });

  test(`W9 an upgrade is one of RFC 6455, or none (${dialect})`, async () => {
    const refused = [
      { 'Sec-WebSocket-Key': undefined }, { 'Sec-WebSocket-Key': '' }, { 'Sec-WebSocket-Key': 'short' }, { 'Sec-WebSocket-Key': 'a'.repeat(24) },
      { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==AAAA' }, { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZ===' }, { 'Sec-WebSocket-Key': '*'.repeat(22) + '==' },
      { 'Sec-WebSocket-Version': undefined }, { 'Sec-WebSocket-Version': 8 }, { 'Sec-WebSocket-Version': 14 }, { 'Sec-WebSocket-Version': '13, 8' },
      { 'Sec-WebSocket-Version': 'thirteen' }, { 'Sec-WebSocket-Version': '' }, { 'Sec-WebSocket-Version': '013' },
      { Upgrade: undefined }, { Upgrade: 'h2c' }, { Upgrade: 'web socket' }, { Connection: undefined }, { Connection: 'close' }, { Connection: 'keep-alive' },
      { Host: undefined },
    ];
    for (const headers of refused) {
      const wire = await Wire.open({ port: server.port });
      assert.equal(await wire.upgrade(path, headers), false, JSON.stringify(headers));
      assert.ok(wire.statuses[0] >= 400, JSON.stringify(headers));
      wire.end();
    }
    for (const method of ['POST', 'PUT', 'HEAD']) {
      const wire = await Wire.open({ port: server.port });
      wire.write(upgradeRequest(path).replace('GET', method));
      await until(() => wire.statuses.length || wire.ended, 'an answer');
      assert.notEqual(wire.statuses[0], 101, method);
      wire.end();
    }
    const taken = [{ Upgrade: 'WebSocket' }, { Upgrade: 'WEBSOCKET' }, { Connection: 'keep-alive, Upgrade' }, { Connection: 'upgrade' },
      { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' }, { 'Sec-WebSocket-Protocol': 'chat' }, { Host: 'call.example.org' }];
    for (const headers of taken) {
      const wire = await Wire.open({ port: server.port });
      wire.write(upgradeRequest(path, headers));
      await wire.says(/^HTTP\/1\.1 101 /);
      assert.doesNotMatch(wire.text, /extensions|protocol:/i, 'nothing is agreed on that is not there');
      wire.end();
    }
  });
}

test('W6 who sends or takes a byte a second is given up', { timeout: 300_000 }, async () => {
  const writers = await Promise.all(Object.keys(dialects).map((dialect) => seated(dialect, `slow-writer-${dialect}`)));
  const message = frame('x'.repeat(1000));
  let sent = 0;
  const drip = setInterval(() => {
    for (const wire of writers) wire.write(message.subarray(sent, sent + 1));
    sent += 1;
  }, 1000);
  try {
    await until(() => writers.every((wire) => wire.ended), 'a message that never ends', 200_000);
  } finally {
    clearInterval(drip);
  }
});

test('W9 where pages are named that may use the rooms, no other may; native programs may', async (t) => {
  const strict = await Server.start({ settings: ['http.origins=["https://call.example.org"]'] });
  t.after(() => strict.stop());
  for (const path of Object.values(dialects)) {
    const opened = async (Origin, Host = 'other.example.org') => {
      const wire = await Wire.open({ port: strict.port });
      const result = await wire.upgrade(path, { Origin, Host });
      const status = wire.statuses[0];
      wire.end();
      return result || status;
    };
    assert.equal(await opened(undefined), true);
    assert.equal(await opened('https://call.example.org'), true);
    assert.equal(await opened('http://other.example.org'), true, 'its own page');
    for (const origin of ['https://evil.example.org', 'null', 'https://call.example.org.evil.example.org', 'http://call.example.org', 'https://call.example.org:8443', 'file://']) {
      assert.equal(await opened(origin), 403, origin);
    }
  }
  for (const origin of ['https://appr.tc', 'https://www.google.com', undefined, 'null']) {
    const wire = await Wire.open({ port: server.port });
    assert.ok(await wire.upgrade('/ws', { Origin: origin }), String(origin));
    wire.end();
  }
});

test('W10 whoever connects, registers and drops, again and again, leaves nothing', { timeout: 1_200_000 }, async (t) => {
  const total = many(1500, 100_000);
  const files = descriptors(server);
  await besides(t, server, async () => {
    const since = performance.now();
    for (let i = 0; i < total; i += 50) {
      await Promise.all(Array.from({ length: 50 }, async (_, k) => {
        const wire = await seated(k % 2 ? 'native' : 'apprtc', `drop-${i}-${k}`);
        k % 3 ? wire.reset() : wire.end();
      }));
    }
    t.diagnostic(`${(total / ((performance.now() - since) / 1000)).toFixed(0)} a second`);
  });
  await empty(server, 60_000);
  await until(() => descriptors(server) <= files + 8, 'no descriptor is left open');
});
