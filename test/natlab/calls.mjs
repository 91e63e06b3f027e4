// The ends of calls, which somebody else tells what to do: one JSON object a line each way. What is said
// with `peer` is for the other end of that call. Of WebRTC's interface alone, so that Node's libwebrtc and
// a browser both run it; a browser gets it as text, so it refers to nothing outside.

/** Takes the lines; what there is to say is written as lines, too. */
export function takesCalls(write, RTCPeerConnection = globalThis.RTCPeerConnection) {
  const calls = new Map();
  const say = (object) => write(JSON.stringify(object));

  class Call {
    #connection;
    #channel;
    #open;
    #candidates = []; // those that came before the description
    #described = false;

    constructor(tell, iceServers) {
      this.tell = tell;
      this.#connection = new RTCPeerConnection({ iceServers });
      this.#connection.onicecandidate = ({ candidate }) => {
        if (candidate?.candidate) tell({ candidate });
      };
      this.#connection.ondatachannel = ({ channel }) => {
        channel.onmessage = ({ data }) => channel.send(data);
      };
    }

    async begin() {
      this.#channel = this.#connection.createDataChannel('there and back');
      this.#channel.binaryType = 'arraybuffer';
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
    prepare: async ({ call, iceServers }) => void calls.set(call, new Call((peer) => say({ call, peer }), iceServers)),
    begin: ({ call }) => calls.get(call).begin(),
    hear: ({ call, peer }) => calls.get(call).hear(peer),
    end: ({ call }) => calls.get(call).end(),
    exchange: ({ call, ...what }) => calls.get(call).exchange(what),
    async close({ call }) {
      calls.get(call)?.close();
      calls.delete(call);
    },
  };

  return async (line) => {
    const { id, verb, ...rest } = JSON.parse(line);
    try {
      say({ id, answer: (await verbs[verb](rest)) ?? null });
    } catch (error) {
      say({ id, error: String(error) });
    }
  };
}
