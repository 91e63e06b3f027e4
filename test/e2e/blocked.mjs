// Networks that let little through, for a page: what it is told of servers leads to ports that say nothing,
// or not enough.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** The page is told of other servers than it would be. */
export const rewrites = (person, rewrite) =>
  person.page.route('**/v1alpha/iceconfig*', async (route) => {
    const response = await route.fetch();
    const { iceServers } = await response.json();
    await route.fulfill({ response, json: { iceServers: rewrite(iceServers) } });
  });
export const portOf = (url, port) => url.replace(/:\d+(?=\?|$)/, `:${port}`);
export const eachUrl = (rewrite) => (servers) => servers.map((server) => ({ ...server, urls: server.urls.map(rewrite) }));

/** Ports that take everything and say nothing: what firewalls make of servers. */
export async function blackHole(t) {
  const udp = createSocket('udp4').bind(0, '127.0.0.1');
  await once(udp, 'listening');
  const silent = new Set();
  const tcp = createServer((socket) => silent.add(socket.on('error', () => {}))).listen(0, '127.0.0.1');
  await once(tcp, 'listening');
  t.after(() => {
    udp.close();
    tcp.close();
    for (const socket of silent) socket.destroy();
  });
  return { udp: udp.address().port, tcp: tcp.address().port };
}

/** In front of a relay: requests and their answers pass, what is to be relayed does not. */
export async function deafFront(t, port) {
  const isRequest = (datagram) => datagram[0] === 0 && (datagram.readUInt16BE(0) & 0x0110) === 0;
  const front = createSocket('udp4').bind(0, '127.0.0.1');
  const behind = new Map();
  front.on('message', (datagram, from) => {
    if (!isRequest(datagram)) return;
    const client = `${from.address}:${from.port}`;
    if (!behind.has(client)) {
      behind.set(client, createSocket('udp4').on('message', (answer) => front.send(answer, from.port, from.address)));
    }
    behind.get(client).send(datagram, port, '127.0.0.1');
  });
  await once(front, 'listening');
  t.after(() => [front, ...behind.values()].forEach((socket) => socket.close()));
  return front.address().port;
}
