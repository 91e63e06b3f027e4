// Writes docs/conformance.md from requirements.txt, the names of unit tests, and what the last runs
// against Ahoy and coturn found. With --check it only says whether the file is what the last run
// against Ahoy makes of it; what is said of coturn is then taken as it is.

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const output = here('../../docs/conformance.md');

function results(server) {
  const file = here(`../../build/conformance/${server}.jsonl`);
  if (!existsSync(file)) return undefined;
  const byId = new Map();
  for (const line of readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
    const result = JSON.parse(line);
    const id = /^\w+/.exec(result.name)[0];
    byId.set(id, [...(byId.get(id) ?? []), result]);
  }
  return byId;
}

/** A test's name begins with its id. */
function testFiles() {
  const byId = new Map();
  for (const file of readdirSync(here('.')).filter((name) => name.endsWith('.test.mjs')).sort()) {
    const ids = readFileSync(here(file), 'utf8').matchAll(/['`]([A-P]\d\d[a-z]?) /g);
    for (const id of new Set([...ids].map((match) => match[1]))) {
      byId.set(id, [...(byId.get(id) ?? []), file.replace('.test.mjs', '')]);
    }
  }
  return byId;
}

/** Of another list of requirements, where A10 is about secrets that are gone. */
const otherLists = /A10_(?=D32_)|(?<=_D35_)A10_/;

/** Unit tests carry the ids of what they cover at the front of their names. */
function unitTests() {
  const root = here('../..');
  const lines = execFileSync('grep', ['-rhoE', String.raw`^TEST(_[FP])?\(\w+, *\w+`, 'src', '--include=*_test.cc'], { cwd: root, encoding: 'utf8' });
  const byId = new Map();
  for (const line of lines.split('\n').filter(Boolean).sort()) {
    const [, suite, name] = /\((\w+), *(\w+)/.exec(line);
    for (const part of name.replace(otherLists, '').split('_')) {
      if (!/^[A-P]\d\d[a-z]?$/.test(part)) break;
      byId.set(part, [...(byId.get(part) ?? []), `${suite}.${name}`]);
    }
  }
  return byId;
}

/** How much of a requirement's tests passed, and why not the rest. */
function verdict(found, byUnitTests, byOthers) {
  if (!found) return byUnitTests ? 'unit tests' : byOthers ? 'other tests' : '–';
  const ran = found.filter(({ result }) => result !== 'skip');
  if (ran.length === 0) return found[0].reason.replace(/^not yet: .*/, 'not yet');
  const passed = ran.filter(({ result }) => result === 'pass').length;
  const todo = ran.find((each) => each.result === 'fail' && each.todo)?.reason ?? '';
  if (passed === 0 && todo.startsWith('not yet')) return 'not yet';
  const words = passed === ran.length ? 'yes' : passed === 0 ? 'no' : `${passed} of ${ran.length}`;
  const reason = todo || found.find(({ result }) => result === 'skip')?.reason;
  return reason ? `${words}: ${reason}` : words;
}

/** The cells about coturn in the table as it is. */
function coturnAsItIs() {
  if (!existsSync(output)) return new Map();
  const rows = readFileSync(output, 'utf8').split('\n').filter((line) => /^\| [A-P]\d\d/.test(line));
  return new Map(rows.map((row) => row.split(' | ')).map((cells) => [cells[0].slice(2), cells.at(-1).replace(/ \|$/, '')]));
}

function table() {
  const [ahoy, files, unit, old] = [results('ahoy'), testFiles(), unitTests(), coturnAsItIs()];
  if (!ahoy) throw new Error('run test/conformance/run first');
  const coturn = process.argv.includes('--check') ? undefined : results('coturn');
  const rows = [];
  const sum = { lines: 0, yes: 0, unit: 0, other: 0 };
  for (const line of readFileSync(here('requirements.txt'), 'utf8').trimEnd().split('\n')) {
    const [id, words, note] = line.split(' | ');
    if (!words) {
      rows.push('', `## ${line}`, '', '| id | requirement | tests | Ahoy | coturn |', '|---|---|---|---|---|');
      continue;
    }
    const found = ahoy.get(id);
    const tests = [...(files.get(id) ?? []), ...(unit.get(id) ?? []).map((name) => `\`${name}\``)];
    const ours = verdict(found, unit.has(id) || note?.startsWith('`'), /\.\/check \w/.test(note));
    sum.lines++;
    if (ours === 'yes') sum.yes++;
    if (ours === 'unit tests') sum.unit++;
    if (ours === 'other tests') sum.other++;
    const theirs = coturn ? verdict(coturn.get(id), false) : old.get(id) ?? '–';
    rows.push(`| ${id} | ${words} | ${tests.join(', ') || note || 'none'} | ${ours} | ${theirs} |`);
  }
  return `# Conformance

What the RFCs, and we ourselves, ask of the server; where each line is tested; and how Ahoy and Debian 12's
coturn fare. \`test/conformance/run\` runs the tests with a client that was written from the RFCs and shares
no code with the server, \`test/conformance/run --server coturn\` runs them against coturn,
\`test/conformance/apart\` runs them between network namespaces, with the kernel path, and
\`node test/conformance/table.mjs\` writes this file.

"yes" is every test of the line over every transport, "3 of 5" is how many of them passed; what follows
a colon says why not the rest. What takes minutes is left to the unit tests, which have a clock of their
own; of coturn they say nothing. Some lines are choices that an RFC leaves to the server, where coturn's
answer is another and not wrong.

${sum.lines} lines: ${sum.yes} hold over the wire, ${sum.unit} more by unit tests, ${sum.other} by other tests.
${rows.join('\n')}
`;
}

const text = table();
if (!process.argv.includes('--check')) {
  writeFileSync(output, text);
} else if (readFileSync(output, 'utf8') !== text) {
  console.error('docs/conformance.md is out of date: node test/conformance/table.mjs');
  process.exit(1);
}
