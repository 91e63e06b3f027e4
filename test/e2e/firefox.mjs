// Firefox, driven by WebDriver BiDi, with the same verbs as far as the tests need them.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before } from 'node:test';
import puppeteer from 'puppeteer-core';
import { patience } from './browser.mjs';

export const executable = process.env.FIREFOX ?? '/usr/bin/firefox-esr';

const preferences = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.autoplay.default': 0,
  'media.autoplay.blocking_policy': 0,
  'media.peerconnection.ice.loopback': true,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  'media.gmp-manager.updateEnabled': false,
  'media.gmp-manager.url': '',
  'app.update.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'browser.safebrowsing.downloads.remote.enabled': false,
  'extensions.getAddons.cache.enabled': false,
  'browser.download.folderList': 2, // the folder that is named
};

/** Why tests in Firefox are left out; false where they are not. */
export const skip = existsSync(executable) ? false : `${executable} is not installed`;

/** For a file of tests: makes a person at the server of that stage, one in each test, who leaves no error behind. */
export function stageFirefox(here) {
  let browser = null;
  let person = null;
  before(async () => {
    if (!skip) browser = await Firefox.launch();
  });
  after(() => browser?.close());
  afterEach(async () => {
    const { errors } = person ?? { errors: [] };
    await person?.close();
    person = null;
    assert.deepEqual(errors, [], "no error in Firefox's console");
  });
  return async () => {
    person = await FirefoxPerson.at(browser, here.server);
    return person;
  };
}

/** One browser for a whole file: to start it takes longer than a call. */
export class Firefox {
  /** `prepare` gets the folder of the profile before Firefox does. */
  static async launch({ prepare } = {}) {
    const fox = new Firefox();
    fox.profile = mkdtempSync(join(tmpdir(), 'ahoy-firefox-'));
    await prepare?.(fox.profile);
    fox.browser = await puppeteer.launch({
      browser: 'firefox',
      executablePath: executable,
      headless: true,
      userDataDir: fox.profile,
      extraPrefsFirefox: { ...preferences, 'browser.download.dir': fox.profile },
      timeout: patience,
      protocolTimeout: patience,
    });
    return fox;
  }

  newPage() {
    return this.browser.newPage();
  }

  async close() {
    await this.browser.close();
    rmSync(this.profile, { recursive: true, force: true });
  }
}

export class FirefoxPerson {
  errors = [];

  static async at(fox, server) {
    const person = new FirefoxPerson();
    person.server = server;
    person.page = await fox.newPage();
    person.page.setDefaultTimeout(patience);
    person.page.on('console', (message) => {
      if (message.type() === 'error') person.errors.push(message.text());
    });
    person.page.on('pageerror', (error) => person.errors.push(String(error)));
    await person.page.evaluateOnNewDocument(() => {
      globalThis.peerConnections = [];
      const { createObjectURL } = URL;
      URL.createObjectURL = (blob) => {
        globalThis.saved = blob;
        return createObjectURL(blob);
      };
      const Native = globalThis.RTCPeerConnection;
      globalThis.RTCPeerConnection = class extends Native {
        constructor(...args) {
          super(...args);
          globalThis.peerConnections.push(this);
        }
      };
    });
    return person;
  }

  async join(room, query = '') {
    await this.page.goto(`${this.server.url}/r/${room}?autojoin=1${query}`);
  }

  async state(...wanted) {
    await this.page.waitForFunction((names) => names.includes(document.body.dataset.state), {}, wanted);
  }

  async press(action) {
    await this.page.evaluate((name) => document.querySelector(`[data-action="${name}"]`).click(), action);
  }

  /** A toggle is in this position. */
  async pressed(action, value) {
    await this.page.waitForSelector(`[data-action="${action}"][aria-pressed="${value}"]`);
  }

  /** The words about what came to nothing. */
  async failure(task) {
    const notice = await this.page.waitForSelector(`[role="alert"][data-failure="${task}"] > div`);
    return notice.evaluate((words) => words.textContent);
  }

  /** As host, in the open panel of people: the buttons for one participant. */
  async manages(name) {
    await this.page.waitForFunction(
      (who) => {
        const person = [...document.querySelectorAll('.person')].find((each) => each.textContent.includes(who));
        const button = person?.querySelector('[data-action="manage"]');
        if (button?.getAttribute('aria-expanded') === 'false') button.click();
        return button?.getAttribute('aria-expanded') === 'true';
      },
      {},
      name,
    );
  }

  async inCall(others = 1) {
    await this.state('connected');
    await this.page.waitForFunction(
      (count) => document.querySelectorAll('video[data-peer].active').length === count,
      {},
      others,
    );
  }

  async write(text) {
    if (!(await this.page.$('[data-panel="chat"]'))) await this.press('chat');
    await this.page.type('[data-panel="chat"] textarea', text);
    await this.page.keyboard.press('Enter');
  }

  async reads(text) {
    await this.page.waitForSelector('.unread');
    await this.press('chat');
    await this.page.waitForFunction((words) => document.querySelector('.line')?.textContent.includes(words), {}, text);
  }

  /** A file, by the chat. */
  async sends(name, text) {
    await this.page.evaluate(
      (file, words) => {
        const chosen = new DataTransfer();
        chosen.items.add(new File([words], file));
        const input = document.querySelector('input[type="file"]');
        input.files = chosen.files;
        input.dispatchEvent(new Event('change', { bubbles: true }));
      },
      name,
      text,
    );
  }

  /** The SHA-256 of what the page saved last. */
  async savedDigest() {
    return this.page.evaluate(async () => {
      const digest = await crypto.subtle.digest('SHA-256', await globalThis.saved.arrayBuffer());
      return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    });
  }

  /** Frames and packets of the other side arrive: waits until there are so many more than now. */
  async receives({ frames = 10, packets = 20 } = {}) {
    await this.page.waitForFunction(
      async (moreFrames, morePackets) => {
        const pc = globalThis.peerConnections.filter((c) => c.connectionState === 'connected').pop();
        if (!pc) return false;
        const all = [...(await pc.getStats()).values()].filter((s) => s.type === 'inbound-rtp');
        const now = {
          frames: all.find((s) => s.kind === 'video')?.framesDecoded ?? 0,
          packets: all.find((s) => s.kind === 'audio')?.packetsReceived ?? 0,
        };
        pc.testStart ??= now;
        return now.frames >= pc.testStart.frames + moreFrames && now.packets >= pc.testStart.packets + morePackets;
      },
      { polling: 200 },
      frames,
      packets,
    );
    await this.page.evaluate(() => globalThis.peerConnections.forEach((pc) => delete pc.testStart));
  }

  async selectedLocalType() {
    return this.page.evaluate(async () => {
      const pc = globalThis.peerConnections.filter((c) => c.connectionState === 'connected').pop();
      const report = await pc.getStats();
      const pair = [...report.values()].find((s) => s.type === 'candidate-pair' && (s.selected || s.nominated));
      return report.get(pair?.localCandidateId)?.candidateType ?? '';
    });
  }

  async close() {
    await this.page.close();
  }
}
