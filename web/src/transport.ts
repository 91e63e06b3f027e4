// The browser's network and clock, as protocol.ts wants them.

import type { Socket, SocketHandlers, Transport } from './protocol.ts';

export const browserTransport: Transport = {
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

  now: () => performance.now(),
  after: (milliseconds, run) => {
    const timer = setTimeout(run, milliseconds);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};
