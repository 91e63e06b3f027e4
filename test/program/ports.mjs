import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setInterval as ticks } from 'node:timers/promises';

/** A TCP port of loopback that nobody uses now. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Until that program takes connections there; it has to live meanwhile. */
export async function takesConnections(child, port, host = '127.0.0.1', said = () => child.spawnfile) {
  for await (const _ of ticks(20)) {
    assert.equal(child.exitCode, null, said());
    const socket = connect(port, host);
    const open = await Promise.race([once(socket, 'connect').then(() => true), once(socket, 'error').then(() => false)])
      .catch(() => false);
    socket.destroy();
    if (open) return;
  }
}
