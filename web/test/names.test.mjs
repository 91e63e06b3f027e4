import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import { join as path } from 'node:path';
import { test } from 'node:test';

globalThis.crypto ??= webcrypto; // Node 18

const { isRoomName, roomFromLink, suggestionBits, suggestRoom, tidyRoom } = await import(
  path(process.env.BUILT, 'names.mjs')
);
const { summarize } = await import(path(process.env.BUILT, 'stats.mjs'));

test('a suggested room is a room name that nobody guesses', () => {
  for (let i = 0; i < 100; i += 1) assert.ok(isRoomName(suggestRoom()));
  assert.ok(isRoomName(suggestRoom(() => 0)) && isRoomName(suggestRoom(() => 1 - Number.EPSILON)));
  assert.ok(suggestionBits() > 38, `${suggestionBits()} bits`);
});

test('what people type becomes a room name where it can', () => {
  assert.equal(tidyRoom('  Café am Meer '), 'Cafe-am-Meer');
  assert.equal(tidyRoom('team_standup'), 'team_standup');
  assert.ok(!isRoomName(tidyRoom('a/b')));
  assert.ok(!isRoomName(tidyRoom('привет')));
});

test('a pasted link is as good as its room', () => {
  assert.equal(roomFromLink('https://example.org/r/calm-heron?it=relay'), 'calm-heron');
  assert.equal(roomFromLink('calm-heron'), 'calm-heron');
});

test('statistics: the selected pair and the rates since the last look', () => {
  const at = (timestamp, bytes) =>
    Object.entries({
      T: { type: 'transport', selectedCandidatePairId: 'P' },
      P: { type: 'candidate-pair', timestamp, localCandidateId: 'L', remoteCandidateId: 'R', currentRoundTripTime: 0.0421 },
      L: { type: 'local-candidate', candidateType: 'relay', protocol: 'udp', relayProtocol: 'tls' },
      R: { type: 'remote-candidate', candidateType: 'srflx', protocol: 'udp' },
      I: { type: 'inbound-rtp', kind: 'video', bytesReceived: bytes, packetsReceived: bytes / 100, packetsLost: 0 },
    });
  const first = summarize(at(1000, 0), null);
  assert.equal(first.stats.receiveKbps, null);
  const { stats } = summarize(at(3000, 250_000), first.sample);
  assert.equal(stats.receiveKbps, 1000);
  assert.equal(stats.rttMs, 42);
  assert.equal(stats.protocol, 'tls');
  assert.ok(stats.relayed);
});
