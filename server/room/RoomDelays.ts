/** Delays inside of a room that tests shorten. */

import type { LayerLinger } from './LayerDemand.ts';
import type { WaitingDelays } from './moderation/WaitingRoom.ts';
import type { SlidingWindowLimitOptions } from './SlidingWindowLimit.ts';

/** In milliseconds; each has a default where it is used. */
export interface RoomDelays {
  /** How long there have to be fewer microphones before audio slots end, see `AudioForwarding`. */
  readonly hysteresis?: number | undefined;
  /** Least time between two notifications of the number of viewers or of hands, see `Broadcast`. */
  readonly broadcastNotify?: number | undefined;
  /** How long a router is kept on which nobody is placed, see `RoomRouters`. */
  readonly routerLinger?: number | undefined;
  /** How long a paused consumer is kept that nobody watches, see `VideoSubscription`. */
  readonly consumerLinger?: number | undefined;
  /** How long a layer is still sent that is not demanded, by the reason, see `LayerDemand`. */
  readonly layerLinger?: LayerLinger | undefined;
  /** How often one may write in the chat, see `ChatLimits`. */
  readonly chatRateLimit?: SlidingWindowLimitOptions | undefined;
  /** How long two have to be alone again before they go direct, see `DirectMedia`. */
  readonly directReturn?: number | undefined;
  /** How long two are not asked again whose direct connection has failed, see `DirectMedia`. */
  readonly directRetry?: number | undefined;
  /** Of those who wait to be let in, see `WaitingRoom`. */
  readonly waiting?: Partial<WaitingDelays> | undefined;
  /** How long only administrators open a room again that one has ended, see `RoomManager`. */
  readonly roomEnded?: number | undefined;
  /** How long a room of the kind `diagnosis` lasts, see `DiagnosisLimits`. */
  readonly diagnosisLifetime?: number | undefined;
}
