/** The entry of the chunk with direct media, which is loaded when it is needed first. */

import type { DirectLinks } from '../DirectLink.ts';
import { pageLog } from '../diagnostics/DiagnosticLog.ts';
import { AutoLink } from './AutoLink.ts';
import { P2pLink } from './P2pLink.ts';

const onConnection = (connection: RTCPeerConnection) => pageLog.addConnection(connection);

export const directLinks: DirectLinks = {
  createAutoLink: (sfu, options) => new AutoLink({ ...options, sfu, onConnection }),
  createP2pLink: (options) => new P2pLink({ ...options, onConnection }),
};
