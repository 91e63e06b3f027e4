import assert from 'node:assert/strict';
import { join as path } from 'node:path';
import { test } from 'node:test';

const { browserOf } = await import(path(process.env.BUILT, 'browser.mjs'));

const gecko = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const chrome = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36';
const safari = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15';
const iPhone = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)';

test('each browser is known by its name', () => {
  assert.equal(browserOf(gecko), 'firefox');
  assert.equal(browserOf(chrome), 'chromium');
  assert.equal(browserOf(`${chrome} Edg/156.0.0.0`), 'chromium');
  assert.equal(browserOf(safari), 'safari');
  assert.equal(browserOf(`${iPhone} Version/18.1 Mobile/15E148 Safari/604.1`), 'safari');
});

test('what runs on an iPhone under another name has other buttons than Safari', () => {
  assert.equal(browserOf(`${iPhone} CriOS/156.0.0.0 Mobile/15E148 Safari/604.1`), 'other');
  assert.equal(browserOf(`${iPhone} FxiOS/140.0 Mobile/15E148 Safari/604.1`), 'other');
  assert.equal(browserOf(''), 'other');
});
