import assert from 'node:assert/strict';
import { join as path } from 'node:path';
import { test } from 'node:test';

const { limitReceived, noWishes, preferred, readWishes, wishesIn } = await import(path(process.env.BUILT, 'wishes.mjs'));
const read = (query) => readWishes(new URLSearchParams(query));
const video = (query) => read(query).capture.video;

test('an address without parameters asks for nothing special', () => {
  assert.deepEqual(read(''), noWishes);
  assert.deepEqual(noWishes.capture, { audio: {}, video: {} });
  assert.deepEqual(read('it=all&tt=sctp&vsbr=-1&vrbr=fast&vsc=&hd=false&name=Ada'), noWishes);
});

test('it, tt, codecs and bitrates are those of AppRTC', () => {
  const wishes = read('it=relay&tt=TCP&asc=opus/48000&arc=ISAC/16000&vsc=VP9&vrc=h264&asbr=32&arbr=24&vsbr=800&vrbr=1500.2');
  assert.equal(wishes.relayOnly, true);
  assert.equal(wishes.transport, 'tcp');
  assert.deepEqual(wishes.sendCodec, { audio: 'opus', video: 'vp9' });
  assert.deepEqual(wishes.receiveCodec, { audio: 'isac', video: 'h264' });
  assert.deepEqual(wishes.sendKbps, { audio: 32, video: 800 });
  assert.deepEqual(wishes.receiveKbps, { audio: 24, video: 1500 });
});

test('a device that is not wanted is not asked for', () => {
  assert.deepEqual(read('audio=false&video=FALSE').capture, { audio: null, video: null });
  assert.deepEqual(read('audio=true&video=').capture, { audio: {}, video: {} });
});

test('constraints of old are read as those of now', () => {
  assert.deepEqual(video('video=minWidth=640,maxWidth=1280,optional:minFrameRate=24'), {
    width: { min: 640, max: 1280 },
    frameRate: { ideal: 24 },
  });
  assert.deepEqual(read('audio=googEchoCancellation=false,googNoiseSuppression=true').capture.audio, {
    echoCancellation: false,
    noiseSuppression: true,
  });
  assert.deepEqual(video('video=x:y:z=1,a=b=c,minWidth=wide,googLeakyBucket=true,__proto__=1'), {});
});

test('hd wins over video, as it did', () => {
  const hd = { width: { min: 1280 }, height: { min: 720 } };
  assert.deepEqual(video('hd=true'), hd);
  assert.deepEqual(video('hd=TRUE&video=minWidth=320'), hd);
});

test('from room to room these go along, and nothing else', () => {
  assert.equal(wishesIn(new URLSearchParams('name=Ada&it=relay&autojoin=1&vsc=VP9&token=secret')), '?it=relay&vsc=VP9');
  assert.equal(wishesIn(new URLSearchParams('name=Ada')), '');
});

test('the preferred codec is the first, and none is lost', () => {
  const codecs = ['video/VP8', 'video/rtx', 'video/VP9', 'video/VP9'].map((mimeType, id) => ({ mimeType, id }));
  assert.deepEqual(preferred(codecs, 'vp9').map(({ id }) => id), [2, 3, 0, 1]);
  assert.deepEqual(preferred(codecs, 'vp'), codecs);
});

test('a limit of what is received stands behind the connection line of its kind of media', () => {
  const sdp = 'v=0\r\nm=audio 9 X 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\nm=video 9 X 96\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\nm=application 9 Y\r\nc=IN IP4 0.0.0.0\r\n';
  assert.equal(limitReceived(sdp, { audio: null, video: null }), sdp);
  assert.equal(
    limitReceived(sdp, { audio: null, video: 500 }),
    sdp.replace('c=IN IP4 0.0.0.0\r\na=mid:1', 'c=IN IP4 0.0.0.0\r\nb=AS:500\r\na=mid:1'),
  );
});
