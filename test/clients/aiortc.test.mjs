// aiortc (Python), as Debian has it: a WebRTC that is no browser's. Its AppRTC signaling client is in no
// package any more, so test/clients/aiortc_call.py says what that one said.

import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Server } from '../e2e/server.mjs';
import { count, run, unless } from './clients.mjs';

const python = '/usr/bin/python3';
const skip = unless('python3-aiortc, python3-websockets', python, '-c', 'import aiortc, websockets');
const script = fileURLToPath(new URL('aiortc_call.py', import.meta.url));

let server;
before(async () => (server = await Server.start()));
after(() => server.stop());

for (const pair of [['apprtc', 'apprtc'], ['native', 'native'], ['native', 'apprtc'], ['apprtc', 'native']]) {
  test(`aiortc calls over ${pair.join(' and ')}: everything comes back`, { skip }, async () => {
    const { failed, output, stdout } = await run(python, [script, ...pair], {
      env: { ...process.env, AHOY_URL: server.url, AHOY_ROOM: pair.join('-'), AHOY_MESSAGES: String(count) },
    });
    assert.equal(failed, false, output);
    assert.deepEqual(JSON.parse(stdout), { returned: count }, output);
  });
}
