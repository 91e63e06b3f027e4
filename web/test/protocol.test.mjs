import assert from 'node:assert/strict';
import { join as path } from 'node:path';
import { test } from 'node:test';
import { FakeTransport, settle } from './fake.mjs';

const { Channel, fetchIceServers, formatMessage, join, parseIceServers, parseMessage } = await import(
  path(process.env.BUILT, 'protocol.mjs')
);

const offer = { type: 'offer', sdp: 'v=0' };
const answer = { type: 'answer', sdp: 'v=0' };
const candidate = { type: 'candidate', label: 1, id: 'video', candidate: 'candidate:1 1 udp' };
const frame = (message) => ({ msg: JSON.stringify(message), error: '' });

const joined = (params) => ({
  status: 200,
  body: JSON.stringify({
    result: 'SUCCESS',
    params: {
      room_id: 'harbour',
      client_id: 'c1',
      is_initiator: 'true',
      messages: [],
      wss_url: 'wss://example.org/ws',
      wss_post_url: 'https://example.org/collider',
      ice_server_url: 'https://example.org/v1alpha/iceconfig?key=',
      pc_config: '{"iceServers":[]}',
      ...params,
    },
  }),
});

async function seated({ initiator }) {
  const net = new FakeTransport();
  net.answer = () => joined({ is_initiator: String(initiator) });
  const seat = await join(net, 'harbour');
  net.answer = () => ({ status: 200, body: '{"result":"SUCCESS"}' });
  net.requests = [];
  const events = [];
  const channel = new Channel(net, seat, (event) => events.push(event));
  return { net, channel, events, kinds: () => events.map((e) => e.kind) };
}

test('join reads the string-typed fields of the answer', async () => {
  const net = new FakeTransport();
  net.answer = () => joined({ is_initiator: 'false', messages: [JSON.stringify(offer), 'noise', '{"type":"new"}'] });
  const seat = await join(net, 'harbour');
  assert.equal(net.requests[0].url, '/join/harbour');
  assert.equal(seat.kind, 'joined');
  assert.equal(seat.initiator, false);
  assert.deepEqual(seat.messages, [offer]);
});

test('join tells a full room, a bad name, a refusal and a silent server apart', async () => {
  const net = new FakeTransport();
  const kind = async (reply) => {
    net.answer = () => reply;
    return (await join(net, 'harbour')).kind;
  };
  assert.equal(await kind({ status: 200, body: '{"params":{"messages":[]},"result":"FULL"}' }), 'full');
  assert.equal(await kind({ status: 404, body: '404 Not Found' }), 'bad-name');
  assert.equal(await kind({ status: 200, body: '{"params":{},"result":"ERROR"}' }), 'refused');
  assert.equal(await kind({ status: 502, body: '<html>' }), 'unreachable');
  assert.equal(await kind({ status: 200, body: '<html>a proxy’s login page' }), 'unreachable');
  assert.equal(await kind(new Error('refused')), 'unreachable');
});

test('ICE entries without a URL are left out, because a browser refuses them all for one', async () => {
  const turn = { urls: ['turn:192.0.2.1'], username: 'u', credential: 'p' };
  assert.deepEqual(parseIceServers([{ urls: [] }, turn, { urls: 'stun:192.0.2.1' }, null, 7]), [
    turn,
    { urls: ['stun:192.0.2.1'] },
  ]);
  const net = new FakeTransport();
  net.answer = () => new Error('refused');
  assert.deepEqual(await fetchIceServers(net, 'https://example.org/iceconfig'), []);
  assert.deepEqual(await fetchIceServers(net, ''), []);
});

test('messages survive the way out and back; unknown ones are ignored', () => {
  for (const message of [offer, answer, candidate, { type: 'bye' }]) {
    assert.deepEqual(parseMessage(formatMessage(message)), message);
  }
  assert.equal(parseMessage('{"type":"remove-candidates","candidates":[]}'), null);
  assert.equal(parseMessage('[]'), null);
  assert.equal(parseMessage('{"type":"offer"}'), null);
});

test('the initiator posts, in order, and registers its socket', async () => {
  const { net, channel } = await seated({ initiator: true });
  net.latest.open();
  assert.deepEqual(net.latest.sent, [{ cmd: 'register', roomid: 'harbour', clientid: 'c1' }]);
  channel.send(offer);
  channel.send(candidate);
  await settle();
  assert.deepEqual(
    net.requests.map((r) => [r.url, JSON.parse(r.body).type]),
    [
      ['/message/harbour/c1', 'offer'],
      ['/message/harbour/c1', 'candidate'],
    ],
  );
});

test('a post that fails is tried again, and what follows waits for it', async () => {
  const { net, channel } = await seated({ initiator: true });
  net.latest.open();
  let failures = 2;
  net.answer = () => (failures-- > 0 ? new Error('reset') : { status: 200, body: '{"result":"SUCCESS"}' });
  channel.send(offer);
  channel.send(candidate);
  await net.pass(2000);
  assert.deepEqual(
    net.requests.map((r) => JSON.parse(r.body).type),
    ['offer', 'offer', 'offer', 'candidate'],
  );
});

test('the other side sends over the socket, also what it said before the socket was open', async () => {
  const { net, channel } = await seated({ initiator: false });
  channel.send(answer);
  net.latest.open();
  channel.send(candidate);
  assert.deepEqual(
    net.latest.sent.slice(1).map((f) => [f.cmd, JSON.parse(f.msg).type]),
    [
      ['send', 'answer'],
      ['send', 'candidate'],
    ],
  );
  assert.equal(net.requests.length, 0);
});

test('what arrives is handed on; frames that make no sense are not', async () => {
  const { net, events } = await seated({ initiator: true });
  net.latest.open();
  net.latest.receive(frame(answer));
  net.latest.receive('not json');
  net.latest.receive({ msg: '', error: '' });
  net.latest.receive(frame({ type: 'bye' }));
  assert.deepEqual(
    events.map((e) => e.message),
    [answer, { type: 'bye' }],
  );
});

test('a lost socket is opened again with the same id, and nothing said meanwhile is lost', async () => {
  const { net, channel, kinds } = await seated({ initiator: false });
  net.latest.open();
  await net.pass(5000);
  net.latest.drop();
  assert.deepEqual(kinds(), ['lost']);
  channel.send(candidate);
  await net.pass(300);
  assert.equal(net.sockets.length, 2);
  net.latest.open();
  assert.deepEqual(
    net.latest.sent.map((f) => f.cmd),
    ['register', 'send'],
  );
  assert.deepEqual(kinds(), ['lost', 'restored']);
});

test('the pauses between attempts grow, and after ten seconds the seat counts as gone', async () => {
  const { net, events } = await seated({ initiator: true });
  net.latest.open();
  await net.pass(5000);
  net.latest.drop();
  const times = [];
  const { socket } = net;
  net.socket = (url, handlers) => {
    times.push(net.now());
    const attempt = socket.call(net, url, handlers);
    net.after(1, () => attempt.drop());
    return attempt;
  };
  await net.pass(11_000);
  const gaps = times.map((t, i) => t - (times[i - 1] ?? 5000));
  assert.ok(gaps[1] > gaps[0] && gaps[2] > gaps[1], `growing: ${gaps}`);
  assert.ok(Math.max(...gaps) <= 2001, `bounded: ${gaps}`);
  assert.equal(events[events.length - 1].kind, 'expired');
  assert.equal(events.filter((e) => e.kind === 'expired').length, 1);
});

test('a socket that hangs while opening counts as lost', async () => {
  const { net } = await seated({ initiator: true });
  await net.pass(4500);
  assert.equal(net.sockets.length, 2);
});

test('a server that has not yet noticed the old socket is asked again', async () => {
  const { net, kinds } = await seated({ initiator: true });
  net.latest.open();
  await net.pass(5000);
  net.latest.drop();
  await net.pass(300);
  net.latest.open();
  net.latest.receive({ msg: '', error: 'Duplicated registration' });
  net.latest.drop();
  await net.pass(600);
  assert.equal(net.sockets.length, 3);
  net.latest.open();
  await net.pass(5000);
  assert.ok(!kinds().includes('expired'));
});

test('a server that no longer knows the id ends the seat at once', async () => {
  const { net, events } = await seated({ initiator: true });
  net.latest.open();
  await net.pass(5000);
  net.latest.drop();
  await net.pass(300);
  net.latest.open();
  net.latest.receive({ msg: '', error: "Invalid register request: unknown 'clientid' or 'roomid'" });
  net.latest.drop();
  assert.equal(events[events.length - 1].kind, 'expired');
});

test('UNKNOWN_CLIENT on a post ends the seat', async () => {
  const { net, channel, kinds } = await seated({ initiator: true });
  net.latest.open();
  net.answer = () => ({ status: 200, body: '{"result":"UNKNOWN_CLIENT"}' });
  channel.send(offer);
  await settle();
  assert.deepEqual(kinds(), ['expired']);
});

test('who becomes the initiator posts, and what the old call left unsent stays unsent', async () => {
  const { net, channel } = await seated({ initiator: false });
  channel.send(answer);
  channel.becomeInitiator();
  net.latest.open();
  assert.equal(net.latest.sent.length, 1); // register
  channel.send(offer);
  await settle();
  assert.equal(net.requests[0].url, '/message/harbour/c1');
});

test('a bye in the middle of a post drops the rest of the old call', async () => {
  const { net, channel } = await seated({ initiator: true });
  net.latest.open();
  net.answer = () => new Error('reset');
  channel.send(offer);
  channel.send(candidate);
  await settle();
  channel.becomeInitiator();
  net.answer = () => ({ status: 200, body: '{"result":"SUCCESS"}' });
  channel.send({ type: 'offer', sdp: 'new' });
  await net.pass(2000);
  assert.deepEqual(
    net.requests.map((r) => JSON.parse(r.body).sdp),
    ['v=0', 'new'],
  );
});

test('leaving: /leave first, then bye, then DELETE', async () => {
  const { net, channel } = await seated({ initiator: true });
  net.latest.open();
  const order = [];
  net.answer = (method, url) => {
    order.push(`${method} ${url}`);
    return { status: 200, body: '' };
  };
  const { send } = net.latest;
  net.latest.send = (text) => {
    send(text);
    order.push(JSON.parse(JSON.parse(text).msg).type);
  };
  await channel.leave();
  assert.deepEqual(order, [
    'POST /leave/harbour/c1',
    'bye',
    'DELETE https://example.org/collider/harbour/c1',
  ]);
  assert.ok(net.latest.ended);
  await net.pass(20_000);
  assert.equal(net.sockets.length, 1);
});

test('DELETE waits for the socket to close, but not for ever', async () => {
  const { net, channel } = await seated({ initiator: true });
  net.latest.open();
  net.latest.close = () => {};
  const left = channel.leave();
  const deleted = () => net.requests.some((r) => r.method === 'DELETE');
  await net.pass(4500);
  assert.ok(!deleted());
  await net.pass(600);
  assert.ok(deleted());
  await left;
});

test('without a socket the bye goes by HTTP', async () => {
  const { net, channel } = await seated({ initiator: false });
  await channel.leave();
  assert.deepEqual(
    net.requests.map((r) => `${r.method} ${r.url} ${r.body ?? ''}`),
    [
      'POST /leave/harbour/c1 ',
      'POST https://example.org/collider/harbour/c1 {"type":"bye"}',
      'DELETE https://example.org/collider/harbour/c1 ',
    ],
  );
});

test('a page that goes away sends a beacon and a bye, and waits for nothing', async () => {
  const { net, channel, kinds } = await seated({ initiator: true });
  net.latest.open();
  channel.abandon();
  assert.deepEqual(net.beacons, ['/leave/harbour/c1']);
  assert.equal(JSON.parse(net.latest.sent[1].msg).type, 'bye');
  await net.pass(20_000);
  assert.deepEqual(kinds(), []);
});
