import assert from 'node:assert/strict';
import { join as path } from 'node:path';
import { test } from 'node:test';

const built = (name) => import(path(process.env.BUILT, `${name}.mjs`));
const { judge, steps, untouched } = await built('check/outcome');
const { judgeAll } = await built('check/advice');
const { outcomeText, remedy, summary, words } = await built('check/texts');
const { languages, setLanguage } = await built('texts/language');
const { report } = await built('check/report');

const inEach = (check) => {
  for (const [code] of languages) {
    setLanguage(code);
    check(code);
  }
  setLanguage('en');
};

const ok = { state: 'ok', ms: 12 };
const skipped = (why) => ({ state: 'skipped', why });
const failed = (why, code) => ({ state: 'failed', ms: 8000, why, ...(code ? { facts: { code } } : {}) });
const weak = (why) => ({ state: 'weak', ms: 3000, why });
const none = skipped('not-offered');
const silent = failed('no-answer');

const well = { ...Object.fromEntries(steps.map((step) => [step, ok])), speaker: skipped('on-click') };
const noServer = Object.fromEntries(
  ['socket', 'stun', 'udp', 'tcp', 'tls', 'quality'].map((step) => [step, skipped('needs-server')]),
);
const unmeasured = skipped('needs-relay');

// What was found, what is said, and who is sent to do what.
const table = [
  ['all is well', {}, 'good', 'well', []],
  ['TLS is not offered', { tls: none }, 'good', 'well', []],
  ['the relay fails over TCP alone', { tcp: silent }, 'good', 'well', []],
  ['UDP is blocked, TCP works', { stun: silent, udp: silent }, 'limited', 'udp-blocked', ['network allow-udp']],
  ['UDP and plain TCP are blocked', { stun: silent, udp: silent, tcp: silent }, 'limited', 'udp-blocked', ['network allow-udp']],
  ['UDP is blocked, and there is no STUN', { stun: none, udp: silent }, 'limited', 'udp-blocked', ['network allow-udp']],
  ['STUN works, the relay over UDP does not', { udp: silent }, 'limited', 'udp-relay-down', ['operator mend-udp-relay']],
  ['the relay passes nothing on over UDP', { udp: failed('not-relayed') }, 'limited', 'udp-relay-down', ['operator mend-udp-relay']],
  ['there is no relay over UDP', { stun: none, udp: none }, 'limited', 'no-udp-offered', ['operator offer-udp']],
  ['there is no relay', { udp: none, tcp: none, tls: none, quality: unmeasured }, 'limited', 'no-relay-offered', ['operator offer-relay']],
  ['there is neither STUN nor relay', { stun: none, udp: none, tcp: none, tls: none, quality: unmeasured }, 'limited', 'nothing-offered', ['operator offer-relay']],
  ['the relay refuses', { udp: failed('refused', '486'), tcp: failed('refused', '486'), tls: none, quality: unmeasured }, 'bad', 'relay-refuses', ['operator report-refusal']],
  ['the relay passes nothing on', { udp: failed('not-relayed'), tcp: failed('not-relayed'), tls: silent, quality: unmeasured }, 'bad', 'relay-deaf', ['operator report-relay']],
  ['the relay is out of reach', { udp: silent, tcp: silent, tls: silent, quality: unmeasured }, 'limited', 'relays-blocked', ['network allow-relay', 'you other-network', 'operator report-relay']],
  ['nothing but web pages works', { stun: silent, udp: silent, tcp: silent, tls: silent, quality: unmeasured }, 'bad', 'all-blocked', ['network allow-relay', 'you other-network', 'operator report-relay']],
  ['WebSockets are blocked', { socket: silent }, 'bad', 'socket-blocked', ['network allow-sockets', 'operator report-down']],
  ['WebSockets open and stay mute', { socket: failed('mute') }, 'bad', 'socket-blocked', ['network allow-sockets', 'operator report-down']],
  ['the server does not answer', { server: failed('unreachable'), ...noServer }, 'bad', 'server-silent', ['you go-online', 'operator report-down']],
  ['the server goes away', { server: failed('lost'), socket: silent, stun: silent, udp: silent, tcp: silent, tls: silent, quality: unmeasured }, 'bad', 'server-gone', ['you go-online', 'operator report-down']],
  ['calls are for who was invited', { server: failed('refused', 'token-required'), ...noServer }, 'unknown', 'invitation-needed', ['you open-invitation']],
  ['the server refuses', { server: failed('refused', '403'), ...noServer }, 'bad', 'server-refuses', ['operator report-refusal']],
  ['the browser has no WebRTC', { server: failed('unsupported'), ...noServer }, 'bad', 'no-webrtc', ['you other-browser']],
  ['the line is slow', { quality: weak('slow') }, 'limited', 'well', ['you nearer-wifi']],
  ['the line loses much', { quality: weak('lossy') }, 'limited', 'well', ['you nearer-wifi']],
  ['the line breaks', { quality: failed('broken') }, 'limited', 'well', ['you nearer-wifi']],
  ['there is no camera', { camera: failed('none') }, 'limited', 'well', ['you plug-device']],
  ['camera and microphone are denied', { camera: failed('blocked'), microphone: failed('blocked') }, 'limited', 'well', ['you allow-device']],
  ['the page is not over HTTPS', { camera: failed('insecure'), microphone: failed('insecure') }, 'limited', 'well', ['you use-https']],
  ['the camera is taken', { camera: failed('busy') }, 'limited', 'well', ['you free-device']],
  ['the camera is covered', { camera: weak('black') }, 'limited', 'well', ['you uncover-camera']],
  ['the microphone is off', { microphone: weak('silent') }, 'limited', 'well', ['you speak-up']],
  ['the tone was not heard', { speaker: failed('unheard') }, 'limited', 'well', ['you turn-up']],
  ['UDP is blocked and there is no camera', { stun: silent, udp: silent, camera: failed('none') }, 'limited', 'udp-blocked', ['network allow-udp', 'you plug-device']],
];

for (const [name, outcomes, verdict, network, advice] of table) {
  test(`the check finds: ${name}`, () => {
    const findings = judgeAll({ ...well, ...outcomes });
    assert.equal(findings.verdict, verdict);
    assert.equal(findings.network, network);
    assert.deepEqual(findings.advice.map(({ helper, remedy: what }) => `${helper} ${what}`), advice);
    inEach(() => {
      const blanks = { relay: 'turn.example.org:443', udp: 'turn.example.org:3478', host: 'example.org' };
      const told = findings.advice.map(({ remedy: what }) => remedy(what, blanks));
      for (const sentence of [...summary(findings), ...told]) {
        assert.match(sentence, /^[A-ZÄÖÜ].*\.$/);
        assert.doesNotMatch(sentence, /[{}]|undefined/);
      }
    });
  });
}

test('who is behind a firewall is told by which way calls go', () => {
  const told = (outcomes) => summary(judgeAll({ ...well, stun: silent, udp: silent, ...outcomes }))[0];
  assert.equal(told({}), 'Your network blocks UDP; calls will work over TCP, a little slower.');
  assert.equal(told({ tcp: silent }), 'Your network blocks UDP; calls will work over TLS, a little slower.');
});

test('of several troubles with devices the worst is named', () => {
  const found = (outcomes) => judgeAll({ ...well, ...outcomes }).devices;
  assert.equal(found({ camera: failed('none'), microphone: failed('none') }), 'neither');
  assert.equal(found({ camera: weak('black'), microphone: failed('busy') }), 'unheard');
  assert.equal(found({ camera: failed('none'), speaker: failed('unheard') }), 'deaf');
  assert.equal(found({ camera: failed('none'), microphone: weak('silent') }), 'unseen');
});

test('only with everything well is it said that camera and microphone work', () => {
  assert.match(summary(judgeAll(well)).join(' '), /Camera and microphone work/);
  assert.doesNotMatch(summary(judgeAll({ ...well, microphone: weak('silent') })).join(' '), /Camera and microphone work/);
});

test('a line is judged by what a call needs', () => {
  const line = { kbps: 5000, lossPercent: 0, rttMs: 30 };
  assert.equal(judge(line), null);
  assert.equal(judge({ ...line, kbps: 300 }), 'slow');
  assert.equal(judge({ ...line, lossPercent: 5 }), 'lossy');
  assert.equal(judge({ ...line, rttMs: 900 }), 'far');
});

test('every step has a line of words in every state', () => {
  const facts = { width: 640, height: 480, address: '203.0.113.9', rttMs: 12.3, kbps: 2345, capped: true, lossPercent: 0.5, over: 'udp', code: '486' };
  inEach(() => {
    for (const step of steps) {
      const outcomes = [
        untouched[step],
        { state: 'pending' },
        ...Object.keys(words().omissions).map(skipped),
        { ...ok, facts },
        ...Object.keys(words().troubles).flatMap((why) => [failed(why), weak(why)]),
      ];
      for (const outcome of outcomes) {
        assert.match(outcomeText(step, outcome), /^[A-ZÄÖÜ]/);
        assert.doesNotMatch(outcomeText(step, outcome), /[{}]|undefined|203\.0\.113/);
      }
    }
  });
  const line = { ...ok, facts: { kbps: 5_345, capped: true, lossPercent: 0.5, rttMs: 23.4, over: 'tls' } };
  assert.equal(outcomeText('quality', line), 'Works: more than 5.3 Mbit/s, 0.5 % lost, 23 ms delay, over TLS');
  setLanguage('de');
  assert.equal(outcomeText('quality', line), 'Geht: mehr als 5,3 Mbit/s, 0,5 % verloren, 23 ms Verzögerung, über TLS');
  setLanguage('en');
});

test('the report opens no door and tells no whole address', () => {
  const outcomes = { ...well, stun: { ...ok, facts: { address: '198.51.100.23' } }, udp: failed('refused', '486') };
  const text = report(outcomes, {
    when: '2030-01-02T03:04:05.000Z',
    origin: 'https://203.0.113.7:8443',
    browser: 'Mozilla/5.0 Chrome/150.0.0.0',
    servers: [
      { urls: ['stun:203.0.113.7:3478'] },
      { urls: ['turn:[2001:db8:5::7]:3478?transport=udp', 'turns:turn.example.org:443'], username: '1893553445:kUjSr', credential: 'aGVsbG8=' },
    ],
  });
  assert.match(text, /^Ahoy check, 2030-01-02T03:04:05\.000Z\npage: https:\/\/203\.0\.…:8443\nbrowser: Mozilla\/5\.0 Chrome\/150\.0\.0\.0\n/);
  assert.match(text, /\nstun: ok 12 ms address=198\.51\.…\nudp: failed refused 8000 ms code=486\n/);
  assert.match(text, /servers:\n {2}stun 203\.0\.…:3478\n {2}udp \[2001:db8:…\]:3478\n {2}tls turn\.example\.org:443\n/);
  for (const secret of ['198.51.100.23', '203.0.113.7', '2001:db8:5', 'kUjSr', 'aGVsbG8=']) assert.ok(!text.includes(secret), secret);
});
