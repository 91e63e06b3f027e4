import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const texts = await import(join(process.env.BUILT, 'texts/index.mjs'));
const { explain, ending, refusalText } = await import(join(process.env.BUILT, 'ui/texts.mjs'));

const codes = texts.languages.map(([code]) => code);
const inEach = (check) => {
  for (const code of codes) {
    texts.speak(code);
    check(code);
  }
  texts.speak('en');
};

/** Every text with its path; what takes names and numbers is given some. */
const examples = (path) =>
  path.endsWith('quality') ? ['good'] : path.endsWith('tip') ? ['chromium', 'firefox', 'safari', 'other'] : ['both'];
function leaves(value, path = '') {
  if (typeof value === 'function') return examples(path).flatMap((example) => leaves(value(example, 2), path));
  if (typeof value === 'string') return [[path, value]];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, `${path}.${key}`));
}

test('every language says all that English says, and nothing else', () => {
  texts.speak('en');
  // A thought may take one more tip in one language than in another.
  const shape = () => new Set(leaves(texts.t).map(([path]) => path.replace(/\.tips\.\d+$/, '.tips')));
  const english = shape();
  inEach((code) => assert.deepEqual(shape(), english, code));
});

test('no text is empty, has a space at its end or an undefined in it', () => {
  inEach((code) => {
    for (const [path, text] of leaves(texts.t)) {
      assert.notEqual(text.trim(), '', `${code}${path}`);
      assert.equal(text.trim(), text, `${code}${path}`);
      assert.doesNotMatch(text, /undefined|null|NaN|\[object/, `${code}${path}`);
    }
  });
});

test('what is the same in both languages is the same word', () => {
  texts.speak('en');
  const english = new Map(leaves(texts.t));
  texts.speak('de');
  const same = leaves(texts.t).filter(([path, text]) => english.get(path) === text);
  assert.deepEqual([...new Set(same.map(([, text]) => text))].sort(), ['Chat', 'Esc', 'Lobby']);
});

/** The codes of the table in docs/protocol.md under this heading. */
function documented(heading) {
  const text = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8');
  const section = text.slice(text.indexOf(`${heading}\n`) + heading.length);
  const table = section.split(/\n#+ /)[0].split('\n').filter((line) => line.startsWith('| `'));
  return table.flatMap((line) => [...line.split(' | ')[0].matchAll(/`([a-z-]+)`/g)].map(([, code]) => code));
}

/** Our own client's mistakes, about which a person can do nothing. */
const internal = ['bad-message', 'not-in-time', 'too-fast'];
/** Answers to what one asked for in the call. */
const ofRequests = ['not-host', 'unknown-participant', 'too-large', 'too-many-invites', 'queue-full'];

test('every error code of the protocol has words of its own, in every language', () => {
  const all = documented('### Errors');
  assert.ok(all.length > 15, String(all));
  inEach((language) => {
    for (const code of all.filter((c) => !internal.includes(c))) {
      if (ofRequests.includes(code)) {
        assert.notEqual(refusalText(code), texts.t.refusals.other, `${language} ${code}`);
        continue;
      }
      const { title, what, tips, code: known } = explain(code);
      assert.notEqual(known, 'server-refused', `${language} ${code}`);
      assert.ok(title && what && tips.length > 0, `${language} ${code}`);
    }
  });
});

test('a code that nobody knows has words, too, whatever its name', () => {
  inEach(() => {
    for (const code of ['', 'news', 'toString', '__proto__', 'constructor', ...internal]) {
      assert.equal(explain(code).code, 'server-refused', code);
      assert.equal(refusalText(code), texts.t.refusals.other, code);
      assert.equal(ending(code), undefined, code);
    }
  });
});

test('the first language that we speak is chosen, and English when we speak none', () => {
  assert.equal(texts.choose(['de-AT', 'en']), 'de');
  assert.equal(texts.choose(['', 'fr', 'DE_ch', 'en']), 'de');
  assert.equal(texts.choose(['en-GB', 'de']), 'en');
  assert.equal(texts.choose(['fr', 'den', '<script>']), 'en');
  assert.equal(texts.choose([]), 'en');
});

test('numbers are written as the language writes them', () => {
  texts.speak('de');
  assert.equal(texts.decimal(1.25, 1), '1,3');
  texts.speak('en');
  assert.equal(texts.decimal(2, 1), '2.0');
});
