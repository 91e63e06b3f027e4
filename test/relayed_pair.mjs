// Two RTCPeerConnections that may use nothing but a relay, and a data channel between them. Of WebRTC's
// interface alone, so that browsers and Node's implementations all run it; a browser gets it as text,
// so it refers to nothing outside.

/** Sends `count` messages of `size` bytes, which come back, and tells what either side used for it. */
export async function relayedPair({ iceServers, count = 100, size = 1000, RTCPeerConnection = globalThis.RTCPeerConnection }) {
  const connections = [0, 1].map(() => new RTCPeerConnection({ iceServers, iceTransportPolicy: 'relay' }));
  const [caller, callee] = connections;

  // A candidate waits for the description that it belongs to.
  const described = connections.map(() => {
    let resolve;
    const promise = new Promise((done) => (resolve = done));
    return { promise, resolve };
  });
  connections.forEach((connection, i) => {
    const other = connections[1 - i];
    connection.onicecandidate = async ({ candidate }) => {
      if (!candidate?.candidate) return;
      await described[1 - i].promise;
      await other.addIceCandidate(candidate);
    };
  });

  callee.ondatachannel = ({ channel }) => {
    channel.onmessage = ({ data }) => channel.send(data);
  };
  const channel = caller.createDataChannel('there and back');
  channel.binaryType = 'arraybuffer';
  let came = 0;
  const all = new Promise((resolve) => {
    channel.onmessage = ({ data }) => {
      if (data.byteLength === size) came += 1;
      if (came === count) resolve();
    };
  });
  channel.onopen = () => {
    for (let i = 0; i < count; i += 1) channel.send(new Uint8Array(size));
  };

  await caller.setLocalDescription(await caller.createOffer());
  await callee.setRemoteDescription(caller.localDescription);
  described[1].resolve();
  await callee.setLocalDescription(await callee.createAnswer());
  await caller.setRemoteDescription(callee.localDescription);
  described[0].resolve();
  await all;

  const used = await Promise.all(connections.map(async (connection) => {
    const found = [...(await connection.getStats()).values()];
    const selected = found.find((each) => each.type === 'transport')?.selectedCandidatePairId;
    const pair = found.find((each) => (selected ? each.id === selected
      : each.type === 'candidate-pair' && each.nominated && each.state === 'succeeded'));
    const local = found.find((each) => each.id === pair?.localCandidateId);
    const remote = found.find((each) => each.id === pair?.remoteCandidateId);
    return { local: local?.candidateType, over: local?.relayProtocol, remote: remote?.candidateType,
      sent: pair?.bytesSent, received: pair?.bytesReceived };
  }));
  for (const connection of connections) connection.close();
  return used;
}
