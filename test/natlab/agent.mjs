// An ICE agent that somebody else tells what to do: libwebrtc, the one of browsers. One JSON object a
// line each way. What it says with `peer` is for the agent at the other end of that call.

import { createInterface } from 'node:readline';
import wrtc from '@roamhq/wrtc';

const calls = new Map();
const say = (object) => process.stdout.write(`${JSON.stringify(object)}\n`);

class Call {
  #connection;
  #channel;
  #open;
  #candidates = []; // those that came before the description
  #described = false;

  constructor(id, iceServers) {
    const tell = (peer) => say({ call: id, peer });
    this.tell = tell;
    this.#connection = new wrtc.RTCPeerConnection({ iceServers });
    this.#connection.onicecandidate = ({ candidate }) => {
      if (candidate?.candidate) tell({ candidate });
    };
    this.#connection.ondatachannel = ({ channel }) => {
      channel.onmessage = ({ data }) => channel.send(data);
    };
  }

  async begin() {
    this.#channel = this.#connection.createDataChannel('there and back');
    this.#open = new Promise((resolve) => (this.#channel.onopen = resolve));
    await this.#connection.setLocalDescription(await this.#connection.createOffer());
    this.tell({ description: this.#connection.localDescription });
  }

  async hear({ description, candidate }) {
    if (candidate) {
      if (this.#described) await this.#connection.addIceCandidate(candidate);
      else this.#candidates.push(candidate);
      return;
    }
    await this.#connection.setRemoteDescription(description);
    this.#described = true;
    for (const each of this.#candidates) await this.#connection.addIceCandidate(each);
    if (description.type !== 'offer') return;
    await this.#connection.setLocalDescription(await this.#connection.createAnswer());
    this.tell({ description: this.#connection.localDescription });
  }

  /** Sends that many messages, and waits until they are back. */
  async exchange({ count, size }) {
    await this.#open;
    let back = 0;
    const all = new Promise((resolve) => {
      this.#channel.onmessage = ({ data }) => {
        if (data.byteLength === size) back += 1;
        if (back === count) resolve();
      };
    });
    for (let i = 0; i < count; i += 1) this.#channel.send(new Uint8Array(size));
    await all;
    return back;
  }

  /** This end of the pair in use. */
  async end() {
    const found = [...(await this.#connection.getStats()).values()];
    const id = found.find((each) => each.type === 'transport')?.selectedCandidatePairId;
    const pair = found.find((each) => each.id === id);
    const local = found.find((each) => each.id === pair?.localCandidateId);
    return { type: local?.candidateType, protocol: local?.protocol, relayProtocol: local?.relayProtocol };
  }

  close() {
    this.#connection.close();
  }
}

const verbs = {
  prepare: async ({ call, iceServers }) => void calls.set(call, new Call(call, iceServers)),
  begin: ({ call }) => calls.get(call).begin(),
  hear: ({ call, peer }) => calls.get(call).hear(peer),
  end: ({ call }) => calls.get(call).end(),
  exchange: ({ call, ...what }) => calls.get(call).exchange(what),
  async close({ call }) {
    calls.get(call)?.close();
    calls.delete(call);
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, verb, ...rest } = JSON.parse(line);
  verbs[verb](rest).then(
    (answer) => say({ id, answer: answer ?? null }),
    (error) => say({ id, error: String(error) }),
  );
}
process.exit(0);
