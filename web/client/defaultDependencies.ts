/** What `RoomClient` is made of by default: signalling over WebSocket or HTTP, media over an SFU. */
import { pageLog } from './diagnostics/DiagnosticLog.ts';
import type { RoomClientDependencies } from './RoomSession.ts';
import { SfuMediaLoader } from './sfu/SfuMediaLoader.ts';
import { connect } from './signalling/connect.ts';

export const defaultDependencies: RoomClientDependencies = {
  connect: (options, signal) => connect({ ...options, log: pageLog.addSignalling }, signal),
  loadDirect: async () => (await import('./p2p/index.ts')).directLinks,
  loadMedia: () => new SfuMediaLoader((connection) => pageLog.addConnection(connection)),
};
