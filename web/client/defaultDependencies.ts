/** What `RoomClient` is made of by default: signalling over WebSocket, media over an SFU. */

import type { RoomClientDependencies } from './RoomSession.ts';
import { SfuMediaLoader } from './sfu/SfuMediaLoader.ts';
import { connect } from './signalling/connect.ts';

export const defaultDependencies: RoomClientDependencies = { connect, loadMedia: () => new SfuMediaLoader() };
