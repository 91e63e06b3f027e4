// What the page /check finds behind a NAT, and behind a firewall that drops UDP without a word.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { patience } from '../e2e/browser.mjs';
import { browserIn } from './browser.mjs';
import { Lab, network, server } from './lab.mjs';

const ahoy = process.env.AHOY_BIN ?? fileURLToPath(new URL('../../build/release/ahoy', import.meta.url));
const skip = spawnSync('unshare', ['--net', 'true']).status === 0 ? false : 'network namespaces take root';
const page = `http://${server}:8080`;

describe('the check', { skip }, () => {
  let folder;
  let lab;
  let program;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ahoy-check-'));
    lab = await Lab.make();
    const settings = [`http.listen=["${server}:8080"]`, `turn.listen=["${server}:3478"]`,
      `turn.relay_addresses=["${server}"]`, `turn.peers.allow=["${network}"]`];
    program = lab.spawn(lab.public, ahoy, ['serve', ...settings.flatMap((each) => ['--set', each])],
      { stdio: ['ignore', 'ignore', 'pipe'] });
    for await (const text of program.stderr) if (/event=server\.ready/.test(text)) break;
  });
  after(async () => {
    const ended = once(program, 'exit');
    program.kill('SIGTERM');
    const [status] = await ended;
    lab.close();
    await rm(folder, { recursive: true });
    assert.equal(status, 0, 'the server ends well');
  });

  /** The verdict, what stands below it, and a line for each step. */
  async function checkFrom(kind) {
    const browser = await browserIn(await lab.site(kind), folder, {
      args: ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream',
        `--unsafely-treat-insecure-origin-as-secure=${page}`],
    });
    try {
      const tab = await browser.newPage();
      tab.setDefaultTimeout(patience);
      await tab.goto(`${page}/check?autostart=1`);
      await tab.waitForSelector('body[data-check="done"]');
      const steps = await tab.$$eval('[data-step]', (all) =>
        Object.fromEntries(all.map((each) => [each.dataset.step, each.querySelector('.outcome').textContent])));
      return { verdict: await tab.getAttribute('body', 'data-verdict'), words: await tab.textContent('[data-summary]'), steps };
    } finally {
      await browser.close();
    }
  }

  test('behind a NAT all is well, and STUN tells the address outside', { timeout: 2 * patience }, async () => {
    const { verdict, steps } = await checkFrom('symmetric NAT');
    assert.equal(verdict, 'good', JSON.stringify(steps));
    assert.equal(steps.stun, 'Works: you are 203.0.… to the internet');
    assert.match(steps.quality, /over UDP/);
  });

  test('behind a firewall without UDP it names UDP, and the way that is left', { timeout: 2 * patience }, async () => {
    const { verdict, words, steps } = await checkFrom('no UDP');
    assert.equal(verdict, 'limited', JSON.stringify(steps));
    assert.match(words, /Your network blocks UDP; calls will work over TCP, a little slower\./);
    assert.match(words, /Whoever runs your network.*UDP to 203\.0\.113\.1:3478 to be let through/);
    assert.equal(steps.stun, 'Does not work: no answer');
    assert.match(steps.quality, /over TCP/);
  });
});
