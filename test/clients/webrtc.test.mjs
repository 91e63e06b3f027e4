// WebRTC of Node: @roamhq/wrtc, which is the libwebrtc of browsers, and werift, which is TypeScript.
// libwebrtc by itself believes only the authorities it was built with, so TURN over TLS is for browsers
// (test/e2e/relay.test.mjs); werift has no TURN over TLS.

import assert from 'node:assert/strict';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { count, loopback, pair, unless } from './clients.mjs';

const script = fileURLToPath(new URL('webrtc_pair.mjs', import.meta.url));
const here = loopback();

for (const name of ['@roamhq/wrtc', 'werift']) {
  const skip = unless(name, process.execPath, '-e', `require.resolve('${name}', { paths: ['${script}/..'] })`);
  for (const transport of ['udp', 'tcp']) {
    test(`${name} over ${transport.toUpperCase()}: everything comes back`, { skip }, async () => {
      assert.deepEqual(await pair(here, transport, process.execPath, script, name), { returned: count, candidates: ['relay'] });
    });
  }
}
