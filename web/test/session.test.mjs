import assert from 'node:assert/strict';
import { join as path } from 'node:path';
import { test } from 'node:test';
import { FakeTransport } from './fake.mjs';

const { Session } = await import(path(process.env.BUILT, 'session.mjs'));
const { Chat } = await import(path(process.env.BUILT, 'chat.mjs'));
const { noWishes } = await import(path(process.env.BUILT, 'wishes.mjs'));

const presence = { name: 'Alice', mic: true, camera: true, screen: false, hand: false };
const bob = { id: 7, name: 'Bob', role: 'guest', mic: true, camera: true, offer: true };
const carol = { id: 8, name: 'Carol', role: 'guest', mic: true, camera: true, offer: false };
const offer = (session) => ({ type: 'offer', sdp: `v=0\no=- ${session} 2 IN IP4 127.0.0.1` });

/** A peer connection that only remembers what it was told. */
class FakeLink {
  state = 'new';
  told = [];
  heard = [];
  known = null;
  constructor(options, owner) {
    this.options = options;
    this.owner = owner;
  }
  start() { this.told.push('start'); }
  belongs(signal) { return signal.type !== 'offer' || this.known === null || this.known === signal.sdp; }
  receive(signal) {
    if (signal.type === 'offer') this.known = signal.sdp;
    this.heard.push(signal.type);
  }
  setTracks() {}
  setOthers(others) { this.others = others; }
  setIceServers() {}
  repeat() { this.told.push('repeat'); }
  reconnect() { this.told.push('reconnect'); }
  close() { this.told.push('close'); }
  becomes(state) {
    this.state = state;
    this.owner.changed();
  }
}

class Room {
  net = new FakeTransport();
  links = [];
  told = [];
  parted = [];
  seq = 0;

  constructor(options = {}) {
    const world = {
      transport: this.net,
      url: 'wss://example.org/v1/ws',
      link: (linkOptions, tracks, owner) => {
        const link = new FakeLink(linkOptions, owner);
        this.links.push(link);
        return link;
      },
    };
    const owner = {
      changed: () => {},
      asked: (what) => this.told.push(`asked ${what}`),
      happened: (what, who) => this.told.push(`${what} ${who}`),
      channel: (from) => this.told.push(`channel of ${from.name}`),
      parted: (id) => this.parted.push(id),
    };
    const none = { audio: null, video: null, screen: null, screenAudio: null };
    this.chat = new Chat(() => {});
    const all = { room: 'daily', wishes: noWishes, patient: false, ...options };
    this.session = new Session(world, all, none, presence, this.chat, owner);
    this.session.start();
  }

  frame(frame) {
    this.net.latest.receive(frame);
  }

  event(event) {
    this.seq += 1;
    this.frame({ seq: this.seq, ...event });
  }

  welcome(fields = {}) {
    this.net.latest.open();
    this.frame({
      type: 'welcome',
      seq: this.seq,
      received: 0,
      resumed: false,
      missed: 0,
      you: { id: 1, role: 'host', ...presence },
      room: { name: 'daily', capacity: 8, locked: false, lobby: false },
      participants: [],
      chat: [],
      ice_servers: [{ urls: ['turn:192.0.2.1'] }],
      resume: 'key',
      resume_timeout: 30_000,
      ...fields,
    });
  }

  async loseSocket() {
    this.net.latest.drop();
    await this.net.pass(0);
  }

  get ids() {
    return [...this.session.peers.keys()];
  }

  sent(type) {
    return this.net.latest.sent.filter((frame) => frame.type === type);
  }
}

test('who is here and who comes gets a link; only the side that is told to begins', () => {
  const room = new Room();
  room.welcome({ participants: [bob] });
  room.event({ type: 'joined', participant: carol });
  assert.deepEqual(room.ids, [7, 8]);
  assert.deepEqual(room.links.map((l) => [l.options.offer, l.told]), [[true, ['start']], [false, []]]);
  assert.deepEqual(room.links.map((l) => l.others), [2, 2]);
  assert.deepEqual(room.told, ['joined Carol']);
});

test('signals go to whom they are for, and come to the link of who sent them', () => {
  const room = new Room();
  room.welcome({ participants: [bob, carol] });
  room.links[1].owner.send({ type: 'answer', sdp: 'v=0' });
  assert.deepEqual(room.sent('signal'), [{ type: 'signal', id: 1, to: 8, data: '{"sdp":"v=0","type":"answer"}' }]);
  room.event({ type: 'signal', from: 8, data: JSON.stringify(offer(1)) });
  room.event({ type: 'signal', from: 99, data: JSON.stringify(offer(1)) });
  room.event({ type: 'signal', from: 8, data: 'noise' });
  assert.deepEqual(room.links.map((l) => l.heard), [[], ['offer']]);
});

test('what did not reach who had lost the socket is said again when they are back', async () => {
  const room = new Room();
  room.welcome({ participants: [bob, carol] });
  const [first, second] = room.links;
  for (const link of [first, second]) link.owner.send({ type: 'answer', sdp: 'v=0' });
  room.event({ type: 'error', id: 1, code: 'queue-full', message: '', retry: true });
  await room.net.pass(0);
  for (const id of [7, 8]) room.event({ type: 'changed', id, connected: true });
  assert.deepEqual([first.told, second.told], [['start', 'repeat'], []]);
});

test('a channel is of whose link it came over; when they are gone, or begin anew, so are their channels', () => {
  const room = new Room();
  room.welcome({ participants: [bob, carol] });
  const [first, second] = room.links;
  second.owner.channel({});
  assert.deepEqual(room.told, ['channel of Carol']);
  room.event({ type: 'signal', from: 8, data: JSON.stringify(offer(1)) });
  assert.deepEqual(room.parted, []);
  room.event({ type: 'signal', from: 8, data: JSON.stringify(offer(2)) });
  assert.deepEqual(room.parted, [8], 'another SDP session: the other side started over');
  room.event({ type: 'left', id: 7, reason: 'left' });
  assert.deepEqual(room.parted, [8, 7]);
  first.owner.channel({});
  assert.equal(room.told.length, 2, 'who is not here opens nothing');
});

test('one link is enough for a call, none that works is none', () => {
  const room = new Room();
  room.welcome({ participants: [bob, carol] });
  assert.equal(room.session.phase, 'waiting');
  room.links[0].becomes('connected');
  assert.equal(room.session.phase, 'connected');
  room.links[1].becomes('failed');
  assert.equal(room.session.phase, 'connected');
  room.links[0].becomes('interrupted');
  assert.equal(room.session.phase, 'reconnecting');
  room.links[0].becomes('failed');
  assert.deepEqual([room.session.phase, room.session.error], ['failed', 'ice-failed']);
  assert.equal(room.sent('leave').length, 1);
});

test('who leaves is named, and the last one leaves us waiting', () => {
  const room = new Room();
  room.welcome({ participants: [bob] });
  room.links[0].becomes('connected');
  room.event({ type: 'left', id: 7, reason: 'left' });
  assert.deepEqual([room.session.phase, room.session.leaver, room.ids], ['waiting', 'Bob', []]);
  assert.deepEqual(room.links[0].told, ['start', 'close']);
  room.event({ type: 'joined', participant: carol });
  assert.equal(room.session.leaver, null);
});

test('a lost socket leaves the links alone; those that are broken are mended when it is back', async () => {
  const room = new Room();
  room.welcome({ participants: [bob, carol] });
  for (const link of room.links) link.becomes('connected');
  room.links[1].becomes('interrupted');
  await room.loseSocket();
  assert.ok(room.session.offline && room.session.phase === 'connected');
  assert.equal(room.links[0].owner.online(), false);
  room.welcome({ resumed: true });
  assert.ok(!room.session.offline);
  assert.deepEqual(room.links.map((l) => l.told), [['start'], ['reconnect']]);
});

test('a server that was started anew finds the links running; who does not come back is let go', async () => {
  const room = new Room();
  room.welcome({ participants: [bob, carol] });
  for (const link of room.links) link.becomes('connected');
  await room.loseSocket();
  room.seq = 0;
  room.welcome({ missed: null, participants: [] });
  assert.deepEqual(room.ids, [7, 8]);
  assert.equal(room.session.phase, 'connected');
  await room.net.pass(9_000);
  room.event({ type: 'joined', participant: bob });
  for (let i = 0; i < 4; i += 1) {
    room.event({ type: 'knock', knock: i, name: '' }); // any frame: the socket lives
    await room.net.pass(9_000);
  }
  assert.deepEqual(room.ids, [7]);
  assert.deepEqual(room.links.map((l) => l.told), [['start', 'repeat'], ['close']]);
  assert.deepEqual(room.told, [], 'neither came nor went');
});

test('after lost events, who is not in the room any more is gone at once', async () => {
  const room = new Room();
  room.welcome({ participants: [bob, carol] });
  await room.loseSocket();
  room.welcome({ missed: 5, participants: [carol] });
  assert.deepEqual(room.ids, [8]);
});

test('a seat that is gone is replaced by a new one, and everybody is met anew', async () => {
  const room = new Room();
  room.welcome({ participants: [bob] });
  room.links[0].becomes('connected');
  await room.loseSocket();
  room.net.latest.open();
  room.frame({ type: 'error', code: 'session-ended', message: '', retry: false });
  await room.net.pass(0);
  assert.equal(room.session.phase, 'connected', 'the media still flow');
  room.welcome({ you: { id: 2, role: 'guest', ...presence }, participants: [{ ...bob, offer: false }] });
  assert.equal(room.sent('hello')[0].room, 'daily');
  assert.deepEqual(room.links.map((l) => l.told), [['start', 'close'], []]);
});

test('without server and media for a minute the call is over; with media it goes on', async () => {
  const talking = new Room();
  talking.welcome({ participants: [bob] });
  talking.links[0].becomes('connected');
  await talking.loseSocket();
  await talking.net.pass(120_000);
  assert.equal(talking.session.phase, 'connected');
  talking.links[0].becomes('interrupted');
  await talking.net.pass(2_000);
  assert.deepEqual([talking.session.phase, talking.session.error], ['failed', 'server-unreachable']);
});

test('a reloaded page waits for its own old seat, others are told at once', async () => {
  const full = { type: 'error', code: 'room-full', message: '', retry: true };
  const patient = new Room({ patient: true });
  patient.net.latest.open();
  patient.frame(full);
  await patient.net.pass(1_000);
  patient.welcome();
  assert.equal(patient.session.phase, 'waiting');
  const other = new Room();
  other.net.latest.open();
  other.frame(full);
  assert.deepEqual([other.session.phase, other.session.error], ['failed', 'room-full']);
});

test('the lobby: waiting outside, and knocks for the host inside', () => {
  const guest = new Room();
  guest.net.latest.open();
  guest.frame({ type: 'waiting' });
  assert.equal(guest.session.phase, 'knocking');
  const host = new Room();
  host.welcome();
  for (const knock of [20, 21]) host.event({ type: 'knock', knock, name: 'Dan' });
  host.event({ type: 'knock_over', knock: 20 });
  assert.deepEqual(host.session.knocks.map((k) => k.knock), [21]);
  host.event({ type: 'changed', id: 1, role: 'guest' });
  assert.deepEqual(host.session.knocks, []);
});

test('what others change about us is heard', () => {
  const room = new Room();
  room.welcome({ you: { id: 1, role: 'guest', ...presence, hand: true }, participants: [bob] });
  room.event({ type: 'mute', from: 7, what: 'mic' });
  room.event({ type: 'changed', id: 1, role: 'host' });
  room.event({ type: 'changed', id: 7, mic: false, hand: true });
  assert.deepEqual(room.told, ['asked mic', 'host ']);
  assert.ok(room.session.isHost);
  const { mic, hand } = room.session.peers.get(7).participant;
  assert.deepEqual([mic, hand], [false, true]);
});

test('an offer of another connection is the other side starting over', () => {
  const room = new Room();
  room.welcome({ participants: [carol] });
  for (const session of [1, 1, 2]) room.event({ type: 'signal', from: 8, data: JSON.stringify(offer(session)) });
  assert.deepEqual(room.links.map((l) => l.heard), [['offer', 'offer'], ['offer']]);
  assert.deepEqual(room.links[0].told, ['close']);
});

for (const reason of ['removed', 'closed']) {
  test(`a call that ended because one was ${reason} says so`, () => {
    const room = new Room();
    room.welcome({ participants: [bob] });
    room.frame({ type: 'bye', reason, message: '', retry: false });
    assert.deepEqual([room.session.phase, room.session.reason], ['left', reason]);
    assert.deepEqual(room.links[0].told, ['start', 'close']);
  });
}
