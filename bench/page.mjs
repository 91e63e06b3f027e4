#!/usr/bin/env node
// What the page weighs and how soon something is seen of it: ./check bench page [ROUNDS]
//
// Chromium and the server on this machine, each visit in a window that has never seen the page.  Ends with
// an error when a page asks another host for anything, or is heavier than it may be.

import assert from 'node:assert/strict';
import { launch, newRoom, Person } from '../test/e2e/browser.mjs';
import { Server } from '../test/e2e/server.mjs';

const rounds = Number(process.argv[2] ?? 21);
const mostBytes = 120 * 1024;

/** Everything that a window loads: bytes on the wire with headers, and hosts. */
async function watch(person) {
  const seen = { bytes: 0, requests: 0, hosts: new Set() };
  const note = (url) => {
    if (!/^(blob|data):/.test(url)) seen.hosts.add(new URL(url).host);
  };
  person.context.on('request', (request) => note(request.url()));
  person.page.on('websocket', (socket) => note(socket.url()));
  const session = await person.context.newCDPSession(person.page);
  await session.send('Network.enable');
  session.on('Network.loadingFinished', ({ encodedDataLength }) => {
    seen.bytes += encodedDataLength;
    seen.requests += 1;
  });
  return seen;
}

/** When something of the page itself was first drawn, from the beginning of the navigation. */
const firstPaint = (person) =>
  person.page.evaluate(
    () =>
      new Promise((resolve) => {
        new PerformanceObserver((list) => {
          const entry = list.getEntriesByName('first-contentful-paint')[0];
          if (entry) resolve(entry.startTime);
        }).observe({ type: 'paint', buffered: true });
      }),
  );

const worker = (person) => person.page.evaluate(async () => void (await navigator.serviceWorker.ready));

const visits = {
  // What the browser takes for itself.
  'a line of text': async (person) => {
    await person.open('/robots.txt');
  },
  'landing page': async (person) => {
    await person.open('/');
    await person.state('lobby');
  },
  'a call': async (person) => {
    await person.join(newRoom());
    await person.state('waiting');
  },
  'the check': async (person) => {
    await person.open('/check');
    await person.page.waitForSelector('[data-action="run"]');
  },
};

function quantiles(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return { median: sorted[Math.floor(sorted.length / 2)], worst: sorted[sorted.length - 1] };
}

/** A first visit in a window of its own, and another one once the service worker is there. */
async function round(browser, server, visit) {
  const person = await Person.at(browser, server);
  person.expectErrors(/favicon/); // a line of text names no icon
  const seen = await watch(person);
  await visit(person);
  const first = await firstPaint(person);
  const { bytes, requests } = seen;
  if (await person.page.evaluate(() => document.contentType === 'text/html')) await worker(person);
  await visit(person);
  const again = await firstPaint(person);
  assert.deepEqual([...seen.hosts], [new URL(server.url).host], 'another host was asked for something');
  await person.close();
  return { first, again, bytes, requests };
}

const server = await Server.start();
const browser = await launch();
try {
  const ms = (value) => `${Math.round(value)} ms`;
  console.log('| | transferred | requests | first paint: median, worst | again: median, worst |');
  console.log('|---|--:|--:|--:|--:|');
  for (const [name, visit] of Object.entries(visits)) {
    await round(browser, server, visit); // what is cold at the server and in the browser shall not count
    const all = [];
    for (let i = 0; i < rounds; i += 1) all.push(await round(browser, server, visit));
    const [first, again] = ['first', 'again'].map((which) => quantiles(all.map((each) => each[which])));
    const bytes = Math.max(...all.map((each) => each.bytes));
    assert.ok(bytes <= mostBytes, `${name}: ${bytes} bytes`);
    console.log(
      `| ${name} | ${(bytes / 1024).toFixed(1)} KiB | ${all[0].requests} | ${ms(first.median)}, ${ms(first.worst)} | ${ms(again.median)}, ${ms(again.worst)} |`,
    );
  }
  console.log(`\n${rounds} visits each, ${browser.version()}; no other host was asked for anything.`);
} finally {
  await browser.close();
  await server.stop();
}
