// The network and the clock as protocol.ts wants them, of a browser or of Node.

import type { Socket, SocketHandlers, Transport } from './protocol.ts';

/** What is used of a WebSocket: the browser's, Node's own (22 and later), and that of the package ws. */
export interface WebSocketLike {
  readonly readyState: number;
  addEventListener(type: 'open' | 'close' | 'error', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  send(text: string): void;
  close(): void;
}
export type WebSocketConstructor = new (url: string) => WebSocketLike;

const open = 1; // readyState

export function webSocketTransport(Constructor: WebSocketConstructor = WebSocket): Transport {
  return {
    socket(url: string, handlers: SocketHandlers): Socket {
      const socket = new Constructor(url);
      socket.addEventListener('open', () => handlers.opened());
      socket.addEventListener('message', ({ data }) => {
        if (typeof data === 'string') handlers.received(data);
      });
      socket.addEventListener('close', () => handlers.closed());
      socket.addEventListener('error', () => {}); // close follows; ws ends the program if nobody listens
      return {
        send: (text) => {
          if (socket.readyState === open) socket.send(text);
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
}
