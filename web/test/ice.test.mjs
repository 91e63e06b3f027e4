import assert from 'node:assert/strict';
import { join as path } from 'node:path';
import { test } from 'node:test';

const { endpointOf, onlyOver, relays, stunServers, transportOf, withoutAddresses } = await import(path(process.env.BUILT, 'ice.mjs'));

test('a URL says what is spoken with the relay, by the defaults of RFC 7065 where it is silent', () => {
  assert.equal(transportOf('turn:example.org'), 'udp');
  assert.equal(transportOf('turn:example.org:3478?transport=udp'), 'udp');
  assert.equal(transportOf('turn:example.org:3478?transport=tcp'), 'tcp');
  assert.equal(transportOf('turns:example.org:443'), 'tls');
  assert.equal(transportOf('TURNS:[2001:db8::1]:443?transport=TCP'), 'tls');
  for (const other of ['stun:example.org', 'turns:example.org?transport=udp', 'https://example.org', 'turn:', '']) {
    assert.equal(transportOf(other), null, other);
  }
});

const servers = [
  { urls: ['stun:example.org'] },
  { urls: ['turn:example.org', 'turn:example.org?transport=tcp', 'turns:example.org'], username: 'alice', credential: 'wonder' },
];

test('servers of one kind keep their credentials, and the others are gone whole', () => {
  assert.deepEqual(relays(servers, 'tls'), [{ urls: ['turns:example.org'], username: 'alice', credential: 'wonder' }]);
  assert.deepEqual(stunServers(servers), [servers[0]]);
  assert.deepEqual(relays([servers[0]], 'udp'), []);
  assert.deepEqual(onlyOver(servers, 'tcp').map(({ urls }) => urls), [['stun:example.org'], ['turn:example.org?transport=tcp']]);
});

test('host and port are those that a firewall would have to let through', () => {
  assert.deepEqual(endpointOf('turn:example.org?transport=udp'), { host: 'example.org', port: 3478 });
  assert.deepEqual(endpointOf('turns:example.org'), { host: 'example.org', port: 5349 });
  assert.deepEqual(endpointOf('turn:[2001:db8::1]:443?transport=tcp'), { host: '[2001:db8::1]', port: 443 });
});

test('no address in a text is whole, and names of hosts stay', () => {
  assert.equal(withoutAddresses('http://203.0.113.9:8080'), 'http://203.0.…:8080');
  assert.equal(withoutAddresses('[2001:db8:1:2::9]'), '[2001:db8:…]');
  assert.equal(withoutAddresses('2001:db8::9 and 203.0.113.9'), '2001:db8:… and 203.0.…');
  assert.equal(withoutAddresses('https://turn.example.org:443'), 'https://turn.example.org:443');
});
