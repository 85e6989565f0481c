/** Forwards data messages between the participants of a room, whichever worker they are on; Node.js sees each message once. */
import { type DataChannelLabel, type DataFrame, encodeDataFrame } from '../../../shared/dataFrame.ts';
import type { Participant } from '../Participant.ts';
import type { DataAddress, DataPort } from './DataPort.ts';

/** A message of the server itself. */
export interface ServerData {
  readonly channel: Exclude<DataChannelLabel, 'bulk'>;
  readonly topic: string;
  readonly data: Uint8Array;
  /** To these participants; to everybody if it is missing. */
  readonly participantIds?: readonly string[] | undefined;
}

export class DataForwarding {
  /** Of the messages of the server, by channel: how many there were. */
  readonly #sent = { reliable: 0, lossy: 0 };
  /** By participant id. */
  readonly #ports = new Map<string, DataPort>();
  /** Of those who have left, while something that they had sent before is not forwarded yet. */
  readonly #leaving = new Set<DataPort>();

  /** @returns removes the participant, which has left; what it had sent before is still forwarded until its port ends */
  add(participant: Participant, port: DataPort): () => void {
    const onFrame = (channel: DataChannelLabel, frame: DataFrame) => this.#forward(participant, port, channel, frame);
    this.#ports.set(participant.id, port);
    port.events.on('frame', onFrame);
    return () => {
      this.#ports.delete(participant.id);
      this.#leaving.add(port);
      port.onEnd(() => {
        this.#leaving.delete(port);
        port.events.off('frame', onFrame);
      });
      // Nobody is there to receive it.
      if (this.#ports.size === 0) for (const one of this.#leaving) one.drop();
    };
  }

  /**
   * Sends a message that no participant has sent.
   * @returns to how many
   * @throws {WeirError} `badRequest` if it exceeds a limit of `DataFrame`
   */
  send({ channel, topic, data, participantIds }: ServerData): number {
    const message = Buffer.from(encodeDataFrame({ sequence: this.#sent[channel], topic, peerIds: [], data }).buffer);
    this.#sent[channel] = (this.#sent[channel] + 1) % 2 ** 32;
    if (participantIds) {
      const receivers = this.#named(participantIds);
      this.#sendTo(receivers, channel, message);
      return receivers.length;
    }
    this.#sendToAll(undefined, channel, message);
    return [...this.#ports.values()].filter(({ mayReceive }) => mayReceive).length;
  }

  #forward(sender: Participant, from: DataPort, channel: DataChannelLabel, { peerIds, ...frame }: DataFrame): void {
    const message = Buffer.from(
      // Whoever is hidden is not named; nobody could answer them either.
      encodeDataFrame({ ...frame, peerIds: sender.grants.hidden ? [] : [sender.id] }).buffer,
    );
    if (peerIds.length > 0) this.#sendTo(this.#named(peerIds, from), channel, message);
    else this.#sendToAll(from, channel, message);
  }

  /** Those of them who are there; a peer may have left while the message was on its way. */
  #named(peerIds: readonly string[], from?: DataPort): DataPort[] {
    return [...new Set(peerIds)].flatMap((id) => {
      const port = this.#ports.get(id);
      return port && port !== from && port.mayReceive ? [port] : [];
    });
  }

  #sendTo(receivers: readonly DataPort[], channel: DataChannelLabel, message: Buffer): void {
    const subchannels = new Map<DataAddress['direct'], number[]>();
    for (const receiver of receivers) {
      const { address } = receiver;
      if (!address) {
        receiver.hold(channel, message);
        continue;
      }
      const known = subchannels.get(address.direct);
      if (known) known.push(address.subchannel);
      else subchannels.set(address.direct, [address.subchannel]);
    }
    for (const [direct, to] of subchannels) direct.send(channel, message, to);
  }

  /** One write for each router: to all that receive there, whose number may be large. */
  #sendToAll(from: DataPort | undefined, channel: DataChannelLabel, message: Buffer): void {
    const directs = new Set<DataAddress['direct']>();
    for (const port of this.#ports.values()) {
      if (port === from || !port.mayReceive) continue;
      if (port.address) directs.add(port.address.direct);
      else port.hold(channel, message);
    }
    for (const direct of directs) {
      const except = from?.address?.direct === direct ? from.address.subchannel : undefined;
      direct.send(channel, message, { except });
    }
  }
}
