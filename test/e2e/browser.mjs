// Chromium, and a person in it: the verbs of the tests.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chromium } from 'playwright-core';

export const executable = process.env.CHROMIUM ?? '/usr/bin/chromium';
/** For a machine that is busy with something else; nobody waits so long for what works. */
export const patience = Number(process.env.AHOY_PATIENCE ?? 90_000);

const fakeDevices = ['--use-fake-device-for-media-stream=fps=10', '--use-fake-ui-for-media-stream'];

export function launch({ args = fakeDevices, env = process.env, executablePath = executable } = {}) {
  return chromium.launch({
    executablePath,
    env,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--no-first-run',
      '--autoplay-policy=no-user-gesture-required',
      ...args,
    ],
  });
}

/** Without a goodbye: what a crash or an empty battery looks like. */
export async function kill(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  const gone = new Promise((resolve) => browser.once('disconnected', resolve));
  for (const { id } of processInfo) process.kill(id, 'SIGKILL');
  await gone;
}

/** Every prompt for a camera is answered with no. */
export const denied = ['--use-fake-device-for-media-stream', '--deny-permission-prompts'];

export const newRoom = () => `test-${randomBytes(6).toString('hex')}`;

/** Runs in the page before its own scripts: keeps what the tests look at. */
function instrument() {
  globalThis.peerConnections = [];
  globalThis.violations = [];
  const Native = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Native {
    constructor(...args) {
      super(...args);
      globalThis.peerConnections.push(this);
    }
  };
  globalThis.addEventListener('securitypolicyviolation', (event) => {
    globalThis.violations.push(`${event.violatedDirective} ${event.blockedURI}`);
  });
}

/** Runs in the page: what flows over each connection in use. */
async function readFrames() {
  const inUse = globalThis.peerConnections.filter((pc) => pc.connectionState === 'connected');
  return Promise.all(
    inUse.map(async (pc) => {
      const all = [...(await pc.getStats()).values()];
      const inbound = all.filter((s) => s.type === 'inbound-rtp' && s.kind === 'video');
      return inbound.reduce((sum, s) => sum + (s.framesDecoded ?? 0), 0);
    }),
  );
}

/** Runs in the page: what flows over the newest connection in use. */
async function readFlow() {
  const pc = globalThis.peerConnections.filter((c) => c.connectionState === 'connected').pop();
  if (!pc) return null;
  const report = await pc.getStats();
  const all = [...report.values()];
  const of = (type, kind) => all.find((s) => s.type === type && s.kind === kind);
  const transport = all.find((s) => s.type === 'transport' && s.selectedCandidatePairId);
  const pair = transport
    ? report.get(transport.selectedCandidatePairId)
    : all.find((s) => s.type === 'candidate-pair' && s.nominated && s.state === 'succeeded');
  return {
    localType: report.get(pair?.localCandidateId)?.candidateType ?? '',
    remoteType: report.get(pair?.remoteCandidateId)?.candidateType ?? '',
    framesDecoded: of('inbound-rtp', 'video')?.framesDecoded ?? 0,
    audioPackets: of('inbound-rtp', 'audio')?.packetsReceived ?? 0,
    audioEnergy: of('inbound-rtp', 'audio')?.totalAudioEnergy ?? 0,
  };
}

export class Person {
  errors = [];
  #expected = [];

  static async at(browser, server, options = {}) {
    const person = new Person();
    await person.arrive(browser, server, options);
    return person;
  }

  async arrive(browser, server, options = {}) {
    this.server = server;
    this.context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    this.page = await this.context.newPage();
    await this.page.addInitScript(instrument);
    this.page.on('console', (message) => {
      if (message.type() === 'error') this.errors.push(`${message.text()} (${message.location().url})`);
    });
    this.page.on('pageerror', (error) => this.errors.push(String(error)));
    this.page.setDefaultTimeout(patience);
  }

  /** Some tests break things on purpose, and the browser says so. */
  expectErrors(pattern) {
    this.#expected.push(pattern);
  }

  async open(path) {
    await this.page.goto(`${this.server.url}${path}`);
  }

  async join(room, query = '') {
    await this.open(`/r/${room}?autojoin=1${query}`);
  }

  async state(...wanted) {
    await this.page.waitForFunction((names) => names.includes(document.body.dataset.state), wanted);
  }

  async press(action) {
    await this.page.click(`[data-action="${action}"]`);
  }

  /** A toggle is in this position; waits, because the page draws after the event has been handled. */
  async pressed(action, value) {
    await this.page.waitForSelector(`[data-action="${action}"][aria-pressed="${value}"]`);
  }

  /** Says it in the chat. */
  async write(text) {
    await this.opens('chat');
    await this.page.fill('[data-panel="chat"] textarea', text);
    await this.page.click('[data-action="send"]:not(:disabled)');
    await this.page.waitForFunction(() => document.querySelector('[data-panel="chat"] textarea').value === '');
  }

  async seesError(code) {
    await this.page.waitForSelector(`[data-error="${code}"]`);
    return this.page.textContent(`[data-error="${code}"]`);
  }

  /** Everybody else is seen or heard. */
  async inCall(others = 1) {
    await this.state('connected');
    await this.page.waitForFunction(
      (count) => document.querySelectorAll('video[data-peer].active').length === count,
      others,
    );
  }

  async opens(panel) {
    if (!(await this.page.$(`[data-panel="${panel}"]`))) await this.press(panel);
    await this.page.waitForSelector(`[data-panel="${panel}"]`);
  }

  /** A word that is soon gone: to be waited for while what causes it is done. */
  async glimpses(text) {
    await this.page.waitForSelector(`.toast:has-text("${text}")`);
  }

  /** As host: the buttons for one participant. */
  async manages(name) {
    await this.opens('people');
    await this.page.click(`.person:has-text("${name}") [data-action="manage"][aria-expanded="false"]`);
  }

  async reads(text) {
    await this.opens('chat');
    await this.page.waitForSelector(`.line:has-text("${text}")`);
  }

  /** New frames of everybody else are decoded. */
  async sees(others, frames = 5) {
    const now = () => this.page.evaluate(readFrames);
    const deadline = Date.now() + patience;
    let before = [];
    for (let seen = []; Date.now() < deadline; seen = await now()) {
      if (before.length !== others) before = seen;
      else if (seen.length === others && seen.every((count, i) => count >= before[i] + frames)) return;
      await this.page.evaluate(() => new Promise(requestAnimationFrame));
    }
    assert.fail(`not everybody is seen: ${before} then ${await now()}`);
  }

  flow() {
    return this.page.evaluate(readFlow);
  }

  /** Picture and sound of the other side keep coming. */
  async receives({ frames = 10, packets = 20 } = {}) {
    const before = await this.#flowThat(() => true);
    const after = await this.#flowThat(
      (now) =>
        now.framesDecoded >= before.framesDecoded + frames &&
        now.audioPackets >= before.audioPackets + packets,
    );
    return { ...after, energy: after.audioEnergy - before.audioEnergy };
  }

  /** Waits for a second of sound, or of silence. */
  async hears(sound) {
    const deadline = Date.now() + patience;
    let energy = NaN;
    while (Date.now() < deadline) {
      ({ energy } = await this.receives({ frames: 0, packets: 50 }));
      if (sound ? energy > 0.001 : energy < 0.0001) return;
    }
    assert.fail(`${sound ? 'silence' : 'sound'}: energy ${energy}`);
  }

  async #flowThat(holds) {
    const deadline = Date.now() + patience;
    let flow = null;
    while (Date.now() < deadline) {
      flow = await this.flow();
      if (flow && holds(flow)) return flow;
      await this.page.evaluate(() => new Promise(requestAnimationFrame));
    }
    assert.fail(`nothing flows: ${JSON.stringify(flow)}`);
  }

  /** The encoder starts small and grows with the bandwidth it finds. */
  async waitForWidth(pixels) {
    await this.page.waitForFunction(
      (wanted) => document.querySelector('video[data-peer]')?.videoWidth >= wanted,
      pixels,
    );
  }

  /** The mean brightness of the other side's picture, 0 to 255. */
  async waitForBrightness(dark) {
    await this.page.waitForFunction(
      (wanted) => {
        const video = document.querySelector('video[data-peer]');
        if (!video?.videoWidth) return false;
        const canvas = new OffscreenCanvas(32, 18);
        const context = canvas.getContext('2d');
        context.drawImage(video, 0, 0, 32, 18);
        const { data } = context.getImageData(0, 0, 32, 18);
        let sum = 0;
        for (let i = 0; i < data.length; i += 4) sum += data[i] + data[i + 1] + data[i + 2];
        return sum / ((data.length / 4) * 3) < 12 === wanted;
      },
      dark,
      { polling: 200 },
    );
  }

  async close() {
    const violations = this.page.isClosed() ? [] : await this.page.evaluate(() => globalThis.violations ?? []);
    await this.context.close();
    assert.deepEqual(violations, [], 'no violation of the content security policy');
    const surprises = this.errors.filter((text) => !this.#expected.some((pattern) => pattern.test(text)));
    assert.deepEqual(surprises, [], 'no error in the console');
  }
}
