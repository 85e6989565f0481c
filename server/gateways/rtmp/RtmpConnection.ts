/** One connection of an encoder: handshake, commands, and the media that comes (RTMP specification 1.0). */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { z } from 'zod';
import { WeirError } from '../../../shared/errors.ts';
import { type AmfValue, readAmf, writeAmf } from './amf0.ts';
import { ChunkReader, messageType, type RtmpMessage, writeChunkSize, writeControl, writeMessage } from './chunks.ts';

/** What an encoder asks to publish. */
export interface PublishCommand {
  /** The path of the server's URL, with its query; not decoded. */
  readonly app: string;
  readonly streamKey: string;
}

export interface RtmpConnectionEvents {
  /** Admits the encoder. @throws what is said to it */
  publish(command: PublishCommand): Promise<void>;
  /** Audio or video of an encoder that has been admitted. */
  media(message: RtmpMessage): void;
  /** The encoder has ended its stream, or the connection is closed; once. */
  ended(why: string): void;
}

const HANDSHAKE_SIZE = 1536;
const VERSION = 3;
/** How many bytes the client may send before it is told that they have arrived, and what it is told of ours. */
const WINDOW = 2_500_000;
/** Milliseconds in which a connection has to publish, and without a byte. */
const TIMEOUTS = { publish: 10_000, idle: 20_000 };
/** Bytes of answers that wait for a client to read them, and messages before it asks to publish, of which encoders send six. */
const LIMITS = { unread: 64 * 1024, messages: 100 };
/** The message stream that `createStream` gives. */
const STREAM_ID = 1;
/** Types of user control messages. */
const PING_REQUEST = 6;
const PING_RESPONSE = 7;

const Command = z.tuple([z.string(), z.number()]).rest(z.unknown());
const Connect = z.object({ app: z.string().max(2048) });
const StreamKey = z.string().max(8192);

export class RtmpConnection {
  readonly #socket: Socket;
  readonly #events: RtmpConnectionEvents;
  readonly #chunks = new ChunkReader();
  readonly #publishTimer: NodeJS.Timeout;
  #early: Buffer | undefined = Buffer.alloc(0);
  #state: 'c0c1' | 'c2' | 'open' = 'c0c1';
  #app: string | undefined;
  /** Messages that have come before it has asked to publish. */
  #messages = 0;
  #hasAsked = false;
  #publishing = false;
  #ended = false;
  #received = 0;
  #acknowledged = 0;
  #window = WINDOW;

  constructor(socket: Socket, events: RtmpConnectionEvents) {
    this.#socket = socket;
    this.#events = events;
    this.#publishTimer = setTimeout(() => this.refuse('Nothing was published in time.'), TIMEOUTS.publish);
    socket.setNoDelay(true);
    socket.setTimeout(TIMEOUTS.idle, () => this.#end('nothing has come for 20 s'));
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('error', (error) => this.#end(error.message));
    socket.on('close', () => this.#end('the connection was closed'));
  }

  /** Stops reading until `resume`: what comes is not processed fast enough. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#ended) this.#socket.resume();
  }

  /** Says why, and closes. */
  refuse(why: string): void {
    if (this.#ended) return;
    this.#status('error', 'NetStream.Publish.Failed', why);
    this.#end(why);
  }

  #receive(bytes: Buffer): void {
    if (this.#ended) return;
    try {
      this.#acknowledge(bytes.length);
      const rest = this.#state === 'open' ? bytes : this.#shakeHands(bytes);
      if (!rest) return;
      for (const message of this.#chunks.read(rest)) if (!this.#ended) this.#handle(message);
    } catch (error) {
      // Of these bytes nothing can be trusted: there is no way to say why.
      this.#end(error instanceof Error ? `it is no RTMP: ${error.message}` : 'it is no RTMP');
    }
  }

  /** The plain handshake (section 5.2). @returns what comes after it */
  #shakeHands(bytes: Buffer): Buffer | undefined {
    let early = Buffer.concat([this.#early ?? Buffer.alloc(0), bytes]);
    if (early.length > 0 && this.#state === 'c0c1' && early.readUInt8() !== VERSION) {
      throw new Error('it does not begin with version 3');
    }
    if (this.#state === 'c0c1' && early.length > HANDSHAKE_SIZE) {
      const c1 = early.subarray(1, 1 + HANDSHAKE_SIZE);
      // S1 begins with the time and a zero; S2 repeats C1.
      const s1 = Buffer.concat([Buffer.alloc(8), randomBytes(HANDSHAKE_SIZE - 8)]);
      this.#write(Buffer.concat([Buffer.from([VERSION]), s1, c1]));
      early = early.subarray(1 + HANDSHAKE_SIZE);
      this.#state = 'c2';
    }
    if (this.#state === 'c2' && early.length >= HANDSHAKE_SIZE) {
      this.#state = 'open';
      this.#early = undefined;
      return early.subarray(HANDSHAKE_SIZE);
    }
    this.#early = early;
    return undefined;
  }

  #handle(message: RtmpMessage): void {
    const { type, payload } = message;
    if (!this.#hasAsked) this.#messages += 1;
    if (this.#messages > LIMITS.messages) {
      this.refuse('Too many messages have come before "publish".');
      return;
    }
    switch (type) {
      case messageType.command:
        this.#command(payload);
        break;
      case messageType.windowAcknowledgementSize:
        if (payload.length >= 4) this.#window = Math.max(WINDOW / 100, payload.readUInt32BE());
        break;
      case messageType.userControl:
        if (payload.length >= 6 && payload.readUInt16BE() === PING_REQUEST) this.#pong(payload.subarray(2, 6));
        break;
      case messageType.audio:
      case messageType.video:
        if (this.#publishing) this.#events.media(message);
        break;
    }
  }

  #command(payload: Buffer): void {
    const command = Command.safeParse(readAmf(payload));
    if (!command.success) return;
    const [name, transaction, ...rest] = command.data;
    switch (name) {
      case 'connect':
        this.#connect(transaction, rest[0]);
        break;
      case 'createStream':
        this.#reply(transaction, [null, STREAM_ID]);
        break;
      case 'publish':
        void this.#publish(rest[1]);
        break;
      case 'deleteStream':
      case 'closeStream':
      case 'FCUnpublish':
        if (this.#publishing) this.#end('the encoder has ended the stream');
        break;
      case 'play':
        this.refuse('Nothing is played here by RTMP.');
        break;
    }
  }

  #connect(transaction: number, object: unknown): void {
    const connect = Connect.safeParse(object);
    if (!connect.success) {
      this.refuse('The address has no room: rtmp://<server>/<room>.');
      return;
    }
    this.#app = connect.data.app;
    this.#write(
      Buffer.concat([
        writeControl(messageType.windowAcknowledgementSize, WINDOW),
        writeControl(messageType.setPeerBandwidth, WINDOW),
        writeChunkSize(),
      ]),
    );
    const information = {
      level: 'status',
      code: 'NetConnection.Connect.Success',
      description: 'Connected.',
      objectEncoding: 0,
    };
    this.#reply(transaction, [{ fmsVer: 'FMS/3,0,1,123', capabilities: 31 }, information]);
  }

  async #publish(key: unknown): Promise<void> {
    const streamKey = StreamKey.safeParse(key);
    if (this.#app === undefined || !streamKey.success || this.#hasAsked) {
      this.refuse(this.#hasAsked ? 'A connection publishes one stream.' : 'There is no stream key.');
      return;
    }
    this.#hasAsked = true;
    // What comes meanwhile waits in the socket.
    this.#socket.pause();
    try {
      await this.#events.publish({ app: this.#app, streamKey: streamKey.data });
      if (this.#ended) return;
      clearTimeout(this.#publishTimer);
      this.#publishing = true;
      this.#chunks.takeFrames();
      this.#status('status', 'NetStream.Publish.Start', 'Publishing.');
      this.#socket.resume();
    } catch (error) {
      this.refuse(WeirError.from(error).message);
    }
  }

  /** The client may stop when it does not hear that its bytes arrive (section 5.4.3). */
  #acknowledge(bytes: number): void {
    this.#received = (this.#received + bytes) >>> 0;
    if ((this.#received - this.#acknowledged) >>> 0 < this.#window) return;
    this.#acknowledged = this.#received;
    this.#write(writeControl(messageType.acknowledgement, this.#received));
  }

  #pong(time: Buffer): void {
    const payload = Buffer.concat([Buffer.from([0, PING_RESPONSE]), time]);
    this.#write(writeMessage({ type: messageType.userControl, streamId: 0, timestamp: 0, payload }));
  }

  #reply(transaction: number, values: readonly AmfValue[]): void {
    this.#send(0, ['_result', transaction, ...values]);
  }

  #status(level: 'status' | 'error', code: string, description: string): void {
    if (this.#state !== 'open') return;
    this.#send(STREAM_ID, ['onStatus', 0, null, { level, code, description: description.slice(0, 1000) }]);
  }

  #send(streamId: number, values: readonly AmfValue[]): void {
    const payload = writeAmf(values);
    this.#write(writeMessage({ type: messageType.command, streamId, timestamp: 0, payload }));
  }

  #write(bytes: Buffer): void {
    this.#socket.write(bytes);
    // An encoder reads its few answers. Others could ask for ever without.
    if (this.#socket.writableLength > LIMITS.unread) this.#end('it does not read what it is answered');
  }

  #end(why: string): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#publishTimer);
    // What has been written is still sent; the encoder may not read it.
    this.#socket.resume();
    this.#socket.end();
    setTimeout(() => this.#socket.destroy(), 1000).unref();
    this.#events.ended(why);
  }
}
