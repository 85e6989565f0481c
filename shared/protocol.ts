/**
 * The protocol, version 2: every request, reply and event between a client and the server, as tables of schemas.
 * `docs/protocol.md` is generated from them.
 *
 * What a client sends is strict: an unknown field is an error. What the server sends is tolerant: an unknown field is
 * dropped, so that an old client works with a newer server.
 */
import type { z } from 'zod';
import { clientRequests } from './clientRequests.ts';
import { serverEvents, serverRequests } from './serverMessages.ts';

export * from './chat.ts';
export * from './direct.ts';
export * from './moderation.ts';
export * from './participants.ts';
export * from './tracks.ts';

/** Raised when a client of the former version could no longer talk to the server. */
export const PROTOCOL_VERSION = 2;

/** Path of the WebSocket, under the address of the server. `httpSignalling` has those that take its place. */
export const SIGNALLING_PATH = '/ws';

/** What a client may send. */
export const clientMessages = { requests: clientRequests, events: {} } as const;
/** What the server may send. */
export const serverMessages = { requests: serverRequests, events: serverEvents } as const;

export type ClientMessages = typeof clientMessages;
export type ServerMessages = typeof serverMessages;
export type JoinReply = z.infer<typeof clientRequests.join.reply>;
/** How a join went, as a client reports it. */
export type JoinReport = z.infer<typeof clientRequests.reportJoin.request>;
export type ResumeReply = z.infer<typeof clientRequests.resume.reply>;
export type Welcome = z.infer<typeof serverEvents.welcome.data>;
export type ServerEvents = { [E in keyof typeof serverEvents]: z.infer<(typeof serverEvents)[E]['data']> };
