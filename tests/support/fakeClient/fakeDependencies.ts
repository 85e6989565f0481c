/** What the fake client is made of, in place of `web/client/defaultDependencies.ts`: real signalling, drawn media. */
import { capabilities } from '../../../scripts/support/media/clientParameters.ts';
import { pageLog } from '../../../web/client/diagnostics/DiagnosticLog.ts';
import type { RoomClientDependencies } from '../../../web/client/RoomSession.ts';
import { connect } from '../../../web/client/signalling/connect.ts';
import { DrawnMediaLink } from './DrawnMediaLink.ts';

export const defaultDependencies: RoomClientDependencies = {
  connect: (options, signal) => connect({ ...options, log: pageLog.addSignalling }, signal),
  loadMedia: () => ({
    load: async () => ({ rtpCapabilities: capabilities, createLink: (options) => new DrawnMediaLink(options) }),
  }),
};
