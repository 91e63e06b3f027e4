// What the package @ahoy/client exports: the protocol, without a DOM.

export { Client } from './protocol.ts';
export type { End, Entry, Outcome, Owner, Socket, SocketHandlers, Transport } from './protocol.ts';
export { webSocketTransport } from './transport.ts';
export type { WebSocketConstructor, WebSocketLike } from './transport.ts';
export { formatSignal, parseSignal } from './wire.ts';
export type {
  CandidateSignal,
  Change,
  ChatLine,
  IceServer,
  Me,
  Participant,
  Presence,
  Refusal,
  Request,
  Role,
  RoomChange,
  RoomEvent,
  RoomState,
  SdpSignal,
  Signal,
  Snapshot,
  Switch,
  Welcome,
} from './wire.ts';
