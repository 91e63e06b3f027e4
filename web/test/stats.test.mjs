// The numbers of a call, from what two browsers really say (fixtures: one call, a second apart, and
// then with Chromium's screen shared).

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join as path } from 'node:path';
import { test } from 'node:test';

const { curve, masked, quality, range, remember, summarize, weakSide } = await import(path(process.env.BUILT, 'stats.mjs'));
const { report } = await import(path(process.env.BUILT, 'report.mjs'));

const fixture = (browser) => JSON.parse(readFileSync(new URL(`fixtures/stats.${browser}.json`, import.meta.url), 'utf8'));
const entries = (list) => list.map((entry) => [entry.id, entry]);

/** What the page says after two readings. */
function read(browser, now = 'second') {
  const { first, [now]: later } = fixture(browser);
  const { sample } = summarize(entries(first), null, '1');
  return summarize(entries(later), sample, '1').stats;
}

test('of Chromium: the pair, the delays, the rates and the pictures', () => {
  assert.deepEqual(read('chromium'), {
    localType: 'host',
    remoteType: 'host',
    localAddress: '[2001:db8::7]:45262',
    remoteAddress: '[2001:db8::7]:60227',
    protocol: 'udp',
    relayed: false,
    rttMs: 0,
    jitterMs: 8,
    sendKbps: 126,
    receiveKbps: 307,
    lossPercent: 0,
    sentLossPercent: 0,
    sent: { width: 320, height: 180, fps: 9, codec: 'VP8', frames: 81, dropped: 0, limit: 'bandwidth' },
    received: { width: 960, height: 540, fps: 20, codec: 'VP8', frames: 198, dropped: 0, limit: '' },
    screenSent: null,
    screenReceived: null,
    sentAudioCodec: 'opus',
    audioCodec: 'opus',
  });
});

test('of Firefox: the same of the other side', () => {
  assert.deepEqual(read('firefox'), {
    localType: 'host',
    remoteType: 'prflx',
    localAddress: '[2001:db8::7]:60227',
    remoteAddress: '[2001:db8::7]:45262',
    protocol: 'udp',
    relayed: false,
    rttMs: 2,
    jitterMs: 5,
    sendKbps: 295,
    receiveKbps: 127,
    lossPercent: 0,
    sentLossPercent: 0,
    sent: { width: 960, height: 540, fps: 20, codec: 'VP8', frames: 199, dropped: 0, limit: '' },
    received: { width: 320, height: 180, fps: 10, codec: 'VP8', frames: 82, dropped: 0, limit: '' },
    screenSent: null,
    screenReceived: null,
    sentAudioCodec: 'opus',
    audioCodec: 'opus',
  });
});

test('a screen is not taken for the camera, on either side', () => {
  const sender = read('chromium', 'screen');
  assert.deepEqual([sender.sent.width, sender.screenSent.width, sender.screenReceived], [480, 1280, null]);
  const receiver = read('firefox', 'screen');
  assert.deepEqual([receiver.received.width, receiver.screenReceived.width, receiver.screenSent], [480, 1280, null]);
});

test('a camera that is off leaves the screen what it is', () => {
  const list = fixture('chromium').screen.filter((e) => e.type !== 'outbound-rtp' || e.mid !== '1');
  const { stats } = summarize(entries(list), null, '1');
  assert.deepEqual([stats.sent, stats.screenSent.width], [null, 1280]);
});

test('the first reading has no rates, and one of nothing has nothing', () => {
  const { stats } = summarize(entries(fixture('chromium').first), null, '1');
  assert.deepEqual([stats.sendKbps, stats.receiveKbps, stats.lossPercent], [null, null, null]);
  const empty = summarize([], null).stats;
  assert.deepEqual([empty.localType, empty.localAddress, empty.rttMs, empty.jitterMs, empty.received], ['', '', null, null, null]);
});

test('a browser that counts anew, as after a new offer, makes no negative numbers', () => {
  const { first, second } = fixture('firefox');
  const { sample } = summarize(entries(second), null, '1');
  const { stats } = summarize(entries(first).map(([id, e]) => [id, { ...e, timestamp: e.timestamp + 5000 }]), sample, '1');
  assert.deepEqual([stats.sendKbps, stats.receiveKbps, stats.lossPercent], [0, 0, null]);
});

test('loss is that of the last second, in both directions', () => {
  const { first, second } = fixture('chromium');
  const { sample } = summarize(entries(first), null, '1');
  const lossy = second.map((e) => {
    if (e.type === 'inbound-rtp' && e.kind === 'audio') return { ...e, packetsLost: e.packetsLost + 20 };
    return e.type === 'remote-inbound-rtp' && e.kind === 'video' ? { ...e, fractionLost: 0.125 } : e;
  });
  const { stats } = summarize(entries(lossy), sample, '1');
  assert.ok(stats.lossPercent > 5 && stats.lossPercent < 50, `${stats.lossPercent} %`);
  assert.equal(stats.sentLossPercent, 12.5);
  assert.equal(quality(stats), 'poor');
});

test('through the relay the protocol is that towards the relay', () => {
  const list = [
    { id: 'T', type: 'transport', selectedCandidatePairId: 'P' },
    { id: 'P', type: 'candidate-pair', localCandidateId: 'L', remoteCandidateId: 'R', timestamp: 0 },
    { id: 'L', type: 'local-candidate', candidateType: 'relay', protocol: 'udp', relayProtocol: 'tls', address: '198.51.100.9', port: 50_000 },
    { id: 'R', type: 'remote-candidate', candidateType: 'srflx', protocol: 'udp', port: 7 },
  ];
  const { stats } = summarize(entries(list), null);
  assert.deepEqual([stats.relayed, stats.protocol, stats.localAddress, stats.remoteAddress], [true, 'tls', '198.51.100.9:50000', '']);
});

test('a minute is remembered, and no more', () => {
  let history = [];
  for (let n = 0; n < 75; n += 1) history = remember(history, { rttMs: n });
  assert.deepEqual([history.length, history[0].rttMs, history[59].rttMs], [60, 15, 74]);
});

test('a range has now, the least and the most; gaps count as nothing', () => {
  assert.deepEqual(range([null, 5, 3, null, 9]), { now: 9, least: 3, most: 9 });
  assert.deepEqual(range([5, null]), { now: null, least: 5, most: 5 });
  assert.equal(range([null]), null);
  assert.equal(range([]), null);
});

test('a curve ends at the right edge, and breaks where nothing is known', () => {
  assert.equal(curve([10, 20], 59, 20, 20), 'M58 10L59 0');
  assert.equal(curve([10, null, 40, 0], 59, 20, 20), 'M56 15M58 0L59 20');
  assert.equal(curve(Array(60).fill(0), 59, 20, 5).split('L').length, 60);
  assert.equal(curve([], 59, 20, 5), '');
  assert.equal(curve([null, null], 59, 20, 5), '');
});

test('a quiet line lies flat', () => {
  assert.equal(curve([1, 2], 59, 100, 50), 'M58 98L59 96');
});

test('a masked address shows the network and not the machine', () => {
  assert.equal(masked('192.0.2.77:45262'), '192.0.…');
  assert.equal(masked('[2001:db8::7]:60227'), '2001:db8:…');
  assert.equal(masked('[::ffff:192.0.2.77]:9'), '::…');
  assert.equal(masked('[fe80::1%eth0]:9'), 'fe80::…');
  assert.equal(masked('0f3d1a6e-1111-4222-8333-444455556666.local:9'), '….local');
  assert.equal(masked(''), '');
});

function facts(fields = {}) {
  const history = ['chromium', 'firefox'].map((browser) => read(browser));
  return {
    time: new Date(Date.UTC(2026, 0, 2, 3, 4, 5)),
    browser: 'Mozilla/5.0 (X11; Linux x86_64)',
    state: 'connected',
    seconds: 61,
    server: 3,
    relayOffered: true,
    relayOnly: false,
    mic: true,
    camera: false,
    screen: true,
    troubles: ['media-blocked'],
    id: 28847101,
    peers: [{ id: 28847100, link: 'connected', connected: true, legacy: false, history }],
    ...fields,
  };
}

test('a report is read by people', () => {
  assert.equal(
    report(facts()),
    `Ahoy, a call at 2026-01-02T03:04:05.000Z
browser: Mozilla/5.0 (X11; Linux x86_64)
state: connected, for 61 s
server: 3 ms away
relay: offered
participant: 28847101
switched on: microphone, screen
troubles: media-blocked

With 28847100: connected
  path: host 2001:db8:… -> prflx 2001:db8:…, udp, direct
  quality: good; the following: now (least to most of the last 2 s)
  round trip: 2 ms (0 to 2)
  jitter: 5 ms (5 to 8)
  loss in: 0 % (0 to 0), out: 0 % (0 to 0)
  receiving: 127 kbit/s (127 to 307)
  sending: 295 kbit/s (126 to 295)
  picture in: 320 x 180, 10 fps, VP8, 82 frames, 0 dropped
  picture out: 960 x 540, 20 fps, VP8, 199 frames, 0 dropped
  screen in: none
  screen out: none
  sound in: opus, out: opus
`,
  );
});

test('a report has neither whole addresses nor what ICE keeps secret', () => {
  const text = report(facts());
  const secrets = ['chromium', 'firefox'].flatMap((browser) =>
    Object.values(fixture(browser))
      .flat()
      .flatMap((e) => [e.usernameFragment, e.iceLocalUsernameFragment, e.address, e.port && `:${e.port}`]),
  );
  const known = [...new Set(secrets)].filter(Boolean);
  assert.ok(known.length > 8);
  assert.deepEqual(known.filter((secret) => text.includes(secret)), []);
});

test('a report of a call that did not come about says so', () => {
  const text = report(facts({ state: 'failed', seconds: null, server: null, relayOffered: false, relayOnly: true, mic: false, screen: false, id: null, peers: [{ id: 7, link: 'failed', connected: false, legacy: true, history: [] }] }));
  assert.match(text, /state: failed\nserver: out of reach\nrelay: none offered, and nothing else allowed\nparticipant: \?\nswitched on: nothing\n/);
  assert.match(text, /With 7: failed, without a socket, AppRTC\n {2}no numbers yet/);
});

test('the weak side is named: one of them, several, or oneself where all are weak or the server is away', () => {
  const side = (lines, offline = false) => {
    const { ours, theirs } = weakSide(new Map(Object.entries(lines).map(([id, weak]) => [Number(id), weak])), offline);
    return [ours, [...theirs]];
  };
  assert.deepEqual(side({}), [false, []]);
  assert.deepEqual(side({ 1: false, 2: false }), [false, []]);
  assert.deepEqual(side({ 1: true, 2: false }), [false, [1]]);
  assert.deepEqual(side({ 1: true, 2: true, 3: false }), [false, [1, 2]]);
  assert.deepEqual(side({ 1: true, 2: true }), [true, []]);
  assert.deepEqual(side({ 1: true }), [false, [1]], 'with one other nobody can tell: it is their line to us');
  assert.deepEqual(side({ 1: true, 2: false }, true), [true, []]);
});
