/** The public interface of the SDK: everything that another page may import from `/sdk.js`. */
import './jitless.ts';

export { MAX_CHAT_TEXT } from '../../shared/chat.ts';
export { type CloseReason, closeReasons } from '../../shared/closeReasons.ts';
export { type ErrorCode, type ErrorReason, WeirError } from '../../shared/errors.ts';
export { kindOf, type Source, sources } from '../../shared/media.ts';
export {
  canonicalRoomName,
  displayName,
  graphemes,
  MAX_DISPLAY_NAME,
  MAX_ROOM_NAME,
  shortDisplayName,
} from '../../shared/names.ts';
export type {
  BroadcastInfo,
  BroadcastProfile,
  ChatPeer,
  ChatState,
  ConsumerLayers,
  Grants,
  GrantsPatch,
  RaisedHands,
  Reaction,
  Role,
  RoomAccess,
  RoomKind,
  RoomPolicy,
  SourceStates,
  VideoProblem,
  WaitingPeers,
} from '../../shared/protocol.ts';
export { mayPublish, roleOf } from '../../shared/roles.ts';
export type { BroadcastApi } from './Broadcast.ts';
export { baseUrl } from './base.ts';
export type { ChatApi } from './Chat.ts';
export type { CandidatePairStats, CandidateStats, ConnectionStats } from './connectionStats.ts';
export { DeviceError, type DeviceProblem, openCamera, openMicrophone, openScreen } from './devices/devices.ts';
export { LocalMedia, type LocalMediaEvents, type LocalSource, type LocalState } from './devices/LocalMedia.ts';
export { type DumpOptions, exportLog } from './diagnostics/DiagnosticLog.ts';
export { Emitter } from './Emitter.ts';
export type {
  ChatMessage,
  MediaConnectionState,
  Moderated,
  RemotePeer,
  RoomClientEvents,
  RoomClientState,
} from './events.ts';
export type { FilesApi, SendFileOptions } from './Files.ts';
export type {
  FilePeer,
  FileTransfer,
  FileTransferState,
  TransferEndReason as FileEndReason,
} from './files/transfers.ts';
export type { JoinOptions } from './joinOptions.ts';
export { loadDiagnosis } from './loadDiagnosis.ts';
export type {
  PublishOptions,
  SendDataOptions,
  TriedPath,
  VideoCodec,
  VideoSettings,
  VideoSource,
} from './MediaLink.ts';
export type { ModerationApi } from './Moderation.ts';
export { type ObserveVideoOptions, observeVideo, observeVisibleSize, type VisibleSize } from './observeVideo.ts';
export type { ConnectionQuality } from './quality/judge.ts';
export { RoomClient, type RoomClientApi } from './RoomClient.ts';
export type { SignallingKind } from './Signalling.ts';
export type { EncodingStats, TrackStats } from './stats.ts';
export { type TrackCounter, TrackRateMeter, TrackRates } from './trackRates.ts';
