// coturn's own client, and what of it is not in test/program/turn.test.mjs: IPv6 on either side, and
// options that few clients use. It mostly waits for itself, so many of it run at once.
//
// Not here, because it asks for what no RFC has: -Z (both families; ADDITIONAL-ADDRESS-FAMILY with the
// number that a draft had), and -P (waits for peers that nobody starts; half is lost with coturn, too).

import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { after, describe, test } from 'node:test';
import { loopback, password, run, secret, unless, user } from './clients.mjs';

const skip = unless('coturn', 'which', 'turnutils_uclient');
const echoes = {};
const here = loopback(async () => {
  for (const [address, type] of [['127.0.0.1', 'udp4'], ['::1', 'udp6']]) {
    const echo = createSocket(type, (message, { port, address: from }) => echo.send(message, port, from));
    echo.bind(0, address);
    await once(echo, 'listening');
    echoes[address] = echo;
  }
});
after(() => Object.values(echoes).forEach((echo) => echo.close()));

const transports = { UDP: [], TCP: ['-t'], TLS: ['-t', '-S'], DTLS: ['-S'] };

/** Two clients of twenty messages each. */
async function losesNothing(options, { server = '127.0.0.1', peer = '127.0.0.1' } = {}) {
  const secure = options.includes('-S');
  const port = secure ? here.tlsPort : server === '::1' ? here.port6 : here.port;
  const { failed, output } = await run('turnutils_uclient', ['-c', '-n', '20', '-m', '2', '-l', '170', '-p', String(port),
    '-u', user, '-e', peer, '-r', String(echoes[peer].address().port), ...options, server]);
  assert.equal(failed, false, output);
  assert.match(output, /Total lost packets 0 /, output);
}

const withPassword = ['-w', password];
const withSecret = ['-W', secret];

describe('turnutils_uclient', { skip, concurrency: 8 }, () => {
  for (const [transport, options] of Object.entries(transports)) {
    for (const [what, more, peer] of [
      ['IPv6 relay, channels', ['-x'], '::1'],
      ['IPv6 relay, indications', ['-x', '-s'], '::1'],
      ['between two IPv6 relays', ['-x', '-y']],
      ['DONT-FRAGMENT', ['-g']],
      ['DONT-FRAGMENT, indications', ['-g', '-s']],
      ['extra requests', ['-G']],
      ['padded channels', ['-D']],
    ]) {
      test(`over ${transport}, ${what}, loses nothing`, () =>
        losesNothing([...withPassword, ...options, ...more], { peer }));
    }
    test(`over ${transport}, REST credentials, loses nothing`, () => losesNothing([...withSecret, ...options, '-y']));
  }

  for (const [transport, options] of Object.entries({ UDP: [], TCP: ['-t'] })) {
    for (const [relay, family, peer] of [['IPv6', '-x', '::1'], ['IPv4', '-X', '127.0.0.1']]) {
      test(`over ${transport} of IPv6, ${relay} relay, loses nothing`, () =>
        losesNothing([...withPassword, ...options, family], { server: '::1', peer }));
    }
  }

  for (const [transport, options] of Object.entries({ TCP: [], TLS: ['-S'] })) {
    test(`over ${transport}, TCP between two IPv6 relays, loses nothing`, () =>
      losesNothing([...withPassword, ...options, '-T', '-x']));
  }
});
