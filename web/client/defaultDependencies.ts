/** What `RoomClient` is made of by default: signalling over WebSocket, media over an SFU. */
import { connect } from './connect.ts';
import type { RoomClientDependencies } from './RoomSession.ts';
import { SfuMediaLoader } from './SfuMediaLoader.ts';

export const defaultDependencies: RoomClientDependencies = { connect, loadMedia: () => new SfuMediaLoader() };
