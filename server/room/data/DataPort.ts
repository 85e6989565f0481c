/** The role of whoever sends and receives data messages in a room. */
import type { EventEmitter } from 'node:events';
import type { DataChannelLabel, DataFrame } from '../../../shared/dataFrame.ts';
import type { DataStreams } from '../../media/data/DataStreams.ts';
import type { DirectDataTransport } from '../../media/data/DirectDataTransport.ts';

export interface DataPortEvents {
  /** It sends a message, which its grants and limits allow. */
  frame: [channel: DataChannelLabel, frame: DataFrame];
}

/** Where messages for it are sent, and how it is addressed there. */
export interface DataAddress extends Pick<DataStreams, 'subchannel'> {
  readonly direct: Pick<DirectDataTransport, 'send'>;
}

/** Implemented by a browser's peer, with `PeerData`. */
export interface DataPort {
  readonly events: EventEmitter<DataPortEvents>;
  /** Whether messages may reach it. */
  readonly mayReceive: boolean;
  /** Undefined while it has no open channels. */
  readonly address: DataAddress | undefined;
  /** Keeps a message until its channels are open, within limits. */
  hold(channel: DataChannelLabel, message: Buffer): void;
  /** Drops what it has sent and is not forwarded yet. */
  drop(): void;
  /** Runs `listener` once it has left and all that it had sent before has been forwarded or dropped, or at once if that is so. */
  onEnd(listener: () => void): void;
}
