// Group P, the part that clients see: credentials and URIs that the page's interface hands out.

import assert from 'node:assert/strict';
import { theServers } from './places.mjs';
import { suite } from './suite.mjs';

const over = suite({ rest: true });

async function iceServers(world) {
  const reply = await fetch(`http://${theServers.v4}:${world.server.httpPort}/v1alpha/iceconfig`, { method: 'POST' });
  assert.equal(reply.status, 200);
  return (await reply.json()).iceServers;
}

over('', 'P06 iceServers name TURN servers with a credential that works', async (world) => {
  const server = (await iceServers(world)).find(({ urls }) => urls.some((url) => url.startsWith('turn:')));
  const client = await world.client({ transport: 'UDP', user: server.username, password: server.credential });
  await client.allocate();
});

over('', 'P07 the URIs are those of RFC 7064 and RFC 7065', async (world) => {
  const urls = (await iceServers(world)).flatMap((server) => server.urls);
  assert.ok(urls.length > 0);
  const host = String.raw`([a-z0-9.-]+|\[[0-9a-f:.]+\])(:\d+)?`;
  const uri = new RegExp(`^(stuns?:${host}|turns?:${host}(\\?transport=(udp|tcp))?)$`, 'i');
  for (const url of urls) assert.match(url, uri);
});
