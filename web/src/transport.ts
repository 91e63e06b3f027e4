// The browser's network and clock, as protocol.ts wants them.

import type { HttpReply, Socket, SocketHandlers, Transport } from './protocol.ts';

const requestTimeoutMs = 10_000;

export const browserTransport: Transport = {
  async request(method, url, body): Promise<HttpReply> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), requestTimeoutMs);
    try {
      const reply = await fetch(url, {
        method,
        signal: abort.signal,
        cache: 'no-store',
        credentials: 'omit',
        ...(body === undefined ? {} : { body }),
      });
      return { status: reply.status, body: await reply.text() };
    } finally {
      clearTimeout(timer);
    }
  },

  socket(url: string, handlers: SocketHandlers): Socket {
    const socket = new WebSocket(url);
    socket.onopen = () => handlers.opened();
    socket.onmessage = (event: MessageEvent<unknown>) => {
      if (typeof event.data === 'string') handlers.received(event.data);
    };
    socket.onclose = () => handlers.closed();
    return {
      send: (text) => {
        if (socket.readyState === WebSocket.OPEN) socket.send(text);
      },
      close: () => socket.close(),
    };
  },

  beacon: (url) => void navigator.sendBeacon(url),
  now: () => performance.now(),
  after: (milliseconds, run) => {
    const timer = setTimeout(run, milliseconds);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};
