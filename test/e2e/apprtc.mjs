// A client of AppRTC, as its page and its native programs are: join, register, offer or answer, bye.
// It runs in a page of Chromium that has nothing of ours but the address.

import { Person } from './browser.mjs';

/** Runs in the page. */
async function enter(room) {
  const post = async (path, body = '') => (await fetch(path, { method: 'POST', body })).json();
  const { result, params } = await post(`/join/${room}`);
  if (result !== 'SUCCESS') return result;
  const { client_id: client, is_initiator: first, messages, wss_url: url } = params;
  const initiator = first === 'true';
  const socket = new WebSocket(url);
  const early = []; // what comes while the camera is asked for
  socket.onmessage = ({ data }) => early.push(JSON.parse(data).msg);
  await new Promise((resolve) => (socket.onopen = resolve));
  socket.send(JSON.stringify({ cmd: 'register', roomid: room, clientid: client }));
  const send = (message) => {
    const text = JSON.stringify(message);
    if (initiator) return void post(`/message/${room}/${client}`, text);
    socket.send(JSON.stringify({ cmd: 'send', msg: text }));
  };

  const pc = new RTCPeerConnection();
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
  for (const track of stream.getTracks()) pc.addTrack(track, stream);
  pc.onicecandidate = ({ candidate }) => {
    if (!candidate?.candidate) return;
    const { sdpMLineIndex: label, sdpMid: id } = candidate;
    send({ type: 'candidate', label, id, candidate: candidate.candidate });
  };
  const describe = async (description) => {
    await pc.setLocalDescription(description);
    send({ sdp: pc.localDescription.sdp, type: pc.localDescription.type });
  };
  globalThis.unknown = []; // what a native client would end the call for
  const receive = async (text) => {
    const message = JSON.parse(text);
    switch (message.type) {
      case 'offer':
        if (initiator) return void globalThis.unknown.push(message.type);
        await pc.setRemoteDescription(message);
        return describe(await pc.createAnswer());
      case 'answer':
        if (!initiator) return void globalThis.unknown.push(message.type);
        return pc.setRemoteDescription(message);
      case 'candidate':
        return pc.addIceCandidate({ candidate: message.candidate, sdpMLineIndex: message.label, sdpMid: message.id });
      case 'bye':
        globalThis.bye = true;
        return;
      default:
        globalThis.unknown.push(message.type);
    }
  };
  let work = Promise.resolve();
  const take = (text) => (work = work.then(() => receive(text)));
  socket.onmessage = ({ data }) => take(JSON.parse(data).msg);
  for (const text of [...messages, ...early]) take(text);
  if (initiator) await describe(await pc.createOffer());
  globalThis.hangUp = async () => {
    await fetch(`/leave/${room}/${client}`, { method: 'POST' });
    socket.send(JSON.stringify({ cmd: 'send', msg: JSON.stringify({ type: 'bye' }) }));
    socket.close();
    pc.close();
  };
  return result;
}

export class AppRtcClient extends Person {
  static async at(browser, server) {
    const client = new AppRtcClient();
    await client.arrive(browser, server);
    client.expectErrors(/favicon/);
    await client.open('/robots.txt');
    return client;
  }

  enter(room) {
    return this.page.evaluate(enter, room);
  }

  async connected() {
    await this.page.waitForFunction(() => globalThis.peerConnections.at(-1)?.connectionState === 'connected');
  }

  async saysBye() {
    await this.page.waitForFunction(() => globalThis.bye);
  }

  hangUp() {
    return this.page.evaluate(() => globalThis.hangUp());
  }

  unknown() {
    return this.page.evaluate(() => globalThis.unknown);
  }
}
