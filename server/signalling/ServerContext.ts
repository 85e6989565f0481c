/** What all connections of a server share. */
import type { AccessControl } from '../auth/AccessControl.ts';
import type { Config } from '../config/Config.ts';
import type { IceServers } from '../ice/IceServers.ts';
import type { RoomManager } from '../room/RoomManager.ts';
import type { DiagnosisLimits } from './DiagnosisLimits.ts';
import type { SessionRegistry } from './SessionRegistry.ts';

export interface ServerContext {
  readonly config: Config;
  readonly access: AccessControl;
  readonly rooms: RoomManager;
  readonly sessions: SessionRegistry;
  readonly iceServers: IceServers;
  readonly diagnosisLimits: DiagnosisLimits;
}
