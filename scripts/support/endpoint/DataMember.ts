/** A headless member of a room that sends and receives data messages: its own signalling, and SCTP of werift. */
import { type RTCDataChannel, RTCPeerConnection } from 'werift';
import {
  type DataChannelLabel,
  dataChannelLabels,
  dataChannels,
  decodeDataFrame,
  encodeDataFrame,
} from '../../../shared/dataFrame.ts';
import { WeirError } from '../../../shared/errors.ts';
import type { Grants, JoinReply, ServerEvents } from '../../../shared/protocol.ts';
import { dataAnswerOf } from '../../../web/client/sfu/dataAnswer.ts';
import { SignalSession } from '../../../web/client/signalling/SignalSession.ts';
import { now } from './clock.ts';

export interface DataMemberOptions {
  readonly url: string;
  readonly room: string;
  readonly name: string;
  readonly token?: string;
  onMessage?(message: ReceivedMessage): void;
  onRefused?(refusal: ServerEvents['dataRefused']): void;
  onClosed?(closure: ServerEvents['dataClosed']): void;
  onGrants?(grants: Grants): void;
}

export interface ReceivedMessage {
  readonly channel: DataChannelLabel;
  readonly from: string | undefined;
  readonly topic: string;
  readonly data: Uint8Array;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** How long the channels may take to open, in milliseconds. */
const OPEN_TIMEOUT = 10_000;

export class DataMember {
  readonly peerId: string;
  /** Who was there when it joined. */
  readonly peerIds: readonly string[];
  readonly #options: DataMemberOptions;
  readonly #signalling: SignalSession;
  #connection: RTCPeerConnection | undefined;
  #channels: Readonly<Record<DataChannelLabel, RTCDataChannel>> | undefined;
  #sequence = 0;

  private constructor(
    options: DataMemberOptions,
    signalling: SignalSession,
    { peerId, peers }: Pick<JoinReply, 'peerId' | 'peers'>,
  ) {
    this.#options = options;
    this.#signalling = signalling;
    this.peerId = peerId;
    this.peerIds = peers.map((peer) => peer.peerId);
  }

  /** Joins without media and opens its data channels. @throws {WeirError} why the server refuses it */
  static async join(options: DataMemberOptions): Promise<DataMember> {
    const { url, room, name, token, onRefused, onClosed, onGrants } = options;
    const { signalling } = await SignalSession.open({
      url,
      kinds: ['webSocket'],
      listeners: {
        dataRefused: (refusal) => onRefused?.(refusal),
        dataClosed: (closure) => onClosed?.(closure),
        grantsChanged: ({ grants }) => onGrants?.(grants),
      },
      onClose: () => {},
    });
    try {
      const reply = await signalling.join({
        room,
        name,
        ...(token !== undefined && { token }),
        rtpCapabilities: { codecs: [], headerExtensions: [] },
        transports: { send: false, recv: false },
      });
      const member = new DataMember(options, signalling, reply);
      await member.open();
      return member;
    } catch (error) {
      signalling.leave();
      throw error;
    }
  }

  /** Opens the data channels, in place of those that it has. */
  async open(): Promise<void> {
    await this.#connection?.close();
    const connection = new RTCPeerConnection({});
    this.#connection = connection;
    const create = (label: DataChannelLabel) => {
      const channel = connection.createDataChannel(label, { negotiated: true, protocol: '', ...dataChannels[label] });
      channel.onMessage.subscribe((message) => this.#receive(label, message));
      return channel;
    };
    const channels = { reliable: create('reliable'), lossy: create('lossy'), bulk: create('bulk') };
    this.#channels = channels;
    const offer = await connection.createOffer();
    await connection.setLocalDescription(offer);
    const [, value = ''] = /^a=fingerprint:sha-256 (\S+)/m.exec(connection.localDescription?.sdp ?? '') ?? [];
    const { transport } = await this.#signalling.request('openTransport', {
      direction: 'data',
      dtlsParameters: { role: 'client', fingerprints: [{ algorithm: 'sha-256', value }] },
    });
    const opened = Promise.all(dataChannelLabels.map((label) => isOpen(channels[label])));
    // werift knows no ICE-TCP.
    const iceCandidates = transport.iceCandidates.filter(({ protocol }) => protocol === 'udp');
    const sdp = dataAnswerOf(connection.localDescription?.sdp ?? '', { ...transport, iceCandidates });
    await connection.setRemoteDescription({ type: 'answer', sdp });
    await opened;
  }

  /** Bytes of a channel that wait to be sent. */
  bufferedAmount(channel: DataChannelLabel): number {
    return this.#channels?.[channel].bufferedAmount ?? 0;
  }

  /** Sends a message without asking whether the server's limits allow it. */
  send(
    channel: DataChannelLabel,
    data: Uint8Array,
    { to = [], topic = '' }: { to?: readonly string[]; topic?: string } = {},
  ): void {
    const frame = encodeDataFrame({ sequence: this.#sequence++, topic, peerIds: to, data });
    this.sendRaw(channel, frame);
  }

  /** Sends bytes that need not be a frame. */
  sendRaw(channel: DataChannelLabel, bytes: Uint8Array): void {
    this.#channels?.[channel].send(Buffer.from(bytes));
  }

  /** Acknowledges nothing more, as one who receives very slowly, until its channels are opened again. */
  stall(): void {
    const association = this.#connection?.sctpTransport?.sctp;
    if (association) Object.assign(association, { sendSack: async () => {} });
  }

  async leave(): Promise<void> {
    this.#signalling.leave();
    await this.#connection?.close();
  }

  #receive(channel: DataChannelLabel, message: string | Buffer): void {
    const at = now();
    const { peerIds, topic, data } = decodeDataFrame(Buffer.from(message));
    this.#options.onMessage?.({ channel, from: peerIds[0], topic, data, at });
  }
}

/** @throws {WeirError} `timeout` */
function isOpen(channel: RTCDataChannel): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new WeirError('timeout', 'The data channel did not open.')), OPEN_TIMEOUT);
  channel.stateChanged.subscribe((state) => {
    if (state !== 'open') return;
    clearTimeout(timer);
    resolve();
  });
  return promise;
}
