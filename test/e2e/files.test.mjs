// Files from one person to the others.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { AppRtcClient } from './apprtc.mjs';
import { newRoom } from './browser.mjs';
import { stage } from './fixture.mjs';

const here = stage();

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const fileOf = (size, name = 'tide.bin') => ({ name, mimeType: 'text/html', buffer: randomBytes(size) });

async function sends(person, ...files) {
  await person.opens('chat');
  await person.page.waitForSelector('[data-action="attach"]:not(:disabled)');
  await person.page.setInputFiles('[data-panel="chat"] input[type="file"]', files);
}
/** What a file has come to, at who was offered it. */
const receives = async (person, state, name = 'tide.bin') => {
  await person.opens('chat');
  await person.page.waitForSelector(`[data-file="${state}"]:has-text("${name}")`);
};
/** What it has come to for one of those it was sent to. */
const delivered = (person, who, state) =>
  person.page.waitForSelector(`.receivers li[data-transfer="${state}"]:has-text("${who}")`);

/** From the third part of a file on, this page's disk answers no more. */
async function stalls(person) {
  await person.page.addInitScript(() => {
    const { arrayBuffer } = Blob.prototype;
    let reads = 0;
    Blob.prototype.arrayBuffer = function () {
      reads += 1;
      return reads < 3 ? arrayBuffer.call(this) : new Promise(() => {});
    };
  });
}
async function stalledCouple() {
  const room = newRoom();
  const [first, second] = [await here.person(), await here.person()];
  await stalls(first);
  await first.join(room, '&name=Ada');
  await first.state('waiting');
  await second.join(room, '&name=Bo');
  await Promise.all([first.inCall(), second.inCall()]);
  await sends(first, fileOf(3_000_000));
  await receives(second, 'offered');
  await second.press('accept-file');
  await receives(second, 'moving');
  await delivered(first, 'Bo', 'moving');
  return { first, second };
}

test('3 MB arrive as they were, once they are wanted, under a harmless name', async () => {
  const { first, second } = await here.couple();
  let downloads = 0;
  second.page.on('download', () => (downloads += 1));
  const file = fileOf(3_000_000, '<img src=x onerror=alert(1)>\u202Efdp.html');
  const name = '_img src=x onerror=alert(1)_fdp.html';
  await sends(first, file);
  await second.glimpses('Ada offers _img src');
  await second.page.waitForSelector('.unread:text-is("1")');
  await receives(second, 'offered', name);
  await delivered(first, 'Bo', 'offered');
  assert.equal(downloads, 0, 'nothing is downloaded unasked');
  const [download] = await Promise.all([second.page.waitForEvent('download'), second.press('accept-file')]);
  assert.equal(download.suggestedFilename(), name);
  assert.equal(sha256(await readFile(await download.path())), sha256(file.buffer));
  await receives(second, 'done', name);
  await delivered(first, 'Bo', 'done');
  const [again] = await Promise.all([second.page.waitForEvent('download'), second.press('save-file')]);
  assert.equal(sha256(await readFile(await again.path())), sha256(file.buffer));
  assert.equal(await second.page.locator('.lines img').count(), 0);
});

test('an empty file is a file', async () => {
  const { first, second } = await here.couple();
  await sends(first, fileOf(0));
  await receives(second, 'offered');
  const [download] = await Promise.all([second.page.waitForEvent('download'), second.press('accept-file')]);
  assert.equal((await readFile(await download.path())).length, 0);
  await delivered(first, 'Bo', 'done');
});

test('who declines gets nothing, and the other side hears of it', async () => {
  const { first, second } = await here.couple();
  await sends(first, fileOf(1_000));
  await receives(second, 'offered');
  await second.press('decline-file');
  await receives(second, 'cancelled');
  await delivered(first, 'Bo', 'refused');
});

test('the sender takes a file back in the middle', async () => {
  const { first, second } = await stalledCouple();
  await first.press('cancel-file');
  await delivered(first, 'Bo', 'cancelled');
  await receives(second, 'refused');
  assert.equal(await second.page.locator('[data-action="save-file"]').count(), 0);
});

test('the receiver stops a file in the middle', async () => {
  const { first, second } = await stalledCouple();
  await second.press('cancel-file');
  await receives(second, 'cancelled');
  await delivered(first, 'Bo', 'refused');
});

test('who leaves in the middle is told of, on both sides of the file', async () => {
  const { first, second } = await stalledCouple();
  await second.press('leave');
  await delivered(first, 'Bo', 'lost');
  const again = await stalledCouple();
  await again.first.press('leave');
  await receives(again.second, 'lost');
});

test('everybody who is there decides alone; who comes later gets nothing', async () => {
  const { people, room } = await here.group(['Ada', 'Bo', 'Cy']);
  const [ada, bo, cy] = people;
  await sends(ada, fileOf(100_000));
  await ada.page.waitForSelector('.file:has-text("Who joins later does not get it")');
  await receives(bo, 'offered');
  await receives(cy, 'offered');
  await bo.press('accept-file');
  await receives(bo, 'done');
  await delivered(ada, 'Bo', 'done');
  await delivered(ada, 'Cy', 'offered');
  const dee = await here.person();
  await dee.join(room, '&name=Dee');
  await dee.inCall(3);
  await ada.write('welcome');
  await dee.reads('welcome');
  assert.equal(await dee.page.locator('.file').count(), 0);
  await cy.press('decline-file');
  await delivered(ada, 'Cy', 'refused');
});

test('files in both directions at once, and a few at a time', async () => {
  const { first, second } = await here.couple();
  await Promise.all([sends(first, fileOf(50_000, 'a1'), fileOf(50_000, 'a2')), sends(second, fileOf(50_000, 'b1'))]);
  await receives(first, 'offered', 'b1');
  await receives(second, 'offered', 'a1');
  await receives(second, 'offered', 'a2');
  await first.press('accept-file');
  await receives(first, 'done', 'b1');
  for (const name of ['a1', 'a2']) {
    await second.page.click(`.file:has-text("${name}") [data-action="accept-file"]`);
    await receives(second, 'done', name);
  }
  await first.receives(); // sound and picture go on
});

test('what is too large, too much, or for nobody is said before anything is sent', async () => {
  const room = newRoom();
  const [first, second] = [await here.person(), await here.person()];
  await first.join(room, '&name=Ada');
  await first.state('waiting');
  await Promise.all([first.glimpses('Nobody else is here'), sends(first, fileOf(10))]);
  await second.join(room, '&name=Bo');
  await Promise.all([first.inCall(), second.inCall()]);
  await Promise.all([
    first.glimpses('tide.bin is too large: 16.8 MB at most'),
    sends(first, fileOf(16 * 1024 * 1024 + 1)),
  ]);
  const five = Array.from({ length: 5 }, (_, i) => fileOf(10, `f${i}`));
  await Promise.all([first.glimpses('4 files are on their way'), sends(first, ...five)]);
  await receives(second, 'offered', 'f3');
  assert.equal(await second.page.locator('.file').count(), 4);
});

test('a file that is dropped on the call is sent, not opened', async () => {
  const { first, second } = await here.couple();
  await first.page.evaluate(() => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File(['ahoy'], 'dropped.txt'));
    const event = new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true });
    if (document.querySelector('main').dispatchEvent(event)) throw new Error('the page would be gone');
  });
  await receives(second, 'offered', 'dropped.txt');
});

test("a client of AppRTC takes no files, and that is what the page says", async () => {
  const [page, client] = [await here.person(), await AppRtcClient.at(here.browser, here.server)];
  here.people.push(client);
  const room = newRoom();
  await client.enter(room);
  await page.join(room);
  await Promise.all([page.inCall(), client.connected()]);
  await sends(page, fileOf(10));
  await page.page.waitForSelector('.receivers li:has-text("program takes no files")');
  assert.deepEqual(await client.unknown(), []);
});
