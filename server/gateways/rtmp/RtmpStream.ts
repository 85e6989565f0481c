/** One stream of an encoder: looks what it is, puts its publisher into the room, and hands its media to ffmpeg. */
import { availableParallelism } from 'node:os';
import type { Logger } from 'pino';
import { closeReasons } from '../../../shared/closeReasons.ts';
import { WeirError } from '../../../shared/errors.ts';
import type { Admission } from '../../auth/AccessControl.ts';
import { roomKey } from '../../common/roomKey.ts';
import type { PlainTransports } from '../../media/PlainTransports.ts';
import { openPublisher, type PublishContext, sourceOf } from '../openPublisher.ts';
import type { Target } from '../rtp/ffmpegArguments.ts';
import { type RequestedStream, requestedStreams } from '../rtp/ingestRequest.ts';
import { RtpPublisher } from '../rtp/RtpPublisher.ts';
import { PAYLOAD_TYPES } from '../rtp/rtpCodecs.ts';
import type { RtmpMessage } from './chunks.ts';
import { FfmpegRelay } from './FfmpegRelay.ts';
import { flvHeader, flvTag, type StreamContent, StreamInspector } from './flv.ts';
import type { Places } from './Places.ts';

export interface RtmpContext extends PublishContext {
  readonly plain: PlainTransports;
  /** The path of ffmpeg, or its name. */
  readonly ffmpeg: string;
  /** How long nothing may come, in milliseconds. */
  readonly idleTimeout: number;
  readonly log: Logger;
}

/** The connection that the stream comes by. */
export interface StreamSource {
  pause(): void;
  resume(): void;
  /** Says why the stream has ended, and closes. */
  refuse(why: string): void;
}

export interface RtmpStreamOptions {
  readonly context: RtmpContext;
  readonly source: StreamSource;
  readonly admission: Admission;
  readonly room: string;
  /** What the encoder is called, on a server without tokens. */
  readonly name: string | undefined;
  /** Of streams whose video is encoded anew. */
  readonly encodings: Places;
  /** Of the encoder. */
  readonly address: string;
}

/** How many streams are encoded anew at a time: each takes a core or two. */
export const MAX_ENCODINGS = Math.max(1, Math.floor(availableParallelism() / 2));

/** How much is kept until it is known what the stream is: bytes, and messages, of which real streams have some hundred. */
const MAX_BUFFERED = { bytes: 8 * 1024 * 1024, messages: 4096 };
/** When it is decided what the stream is, whatever times its messages say; in milliseconds after the first. */
const DECISION_DELAY = 3000;

export class RtmpStream {
  readonly #options: RtmpStreamOptions;
  readonly #inspector = new StreamInspector();
  readonly #aborter = new AbortController();
  /** What has come before ffmpeg runs. */
  #buffered: RtmpMessage[] = [];
  #bufferedBytes = 0;
  #decisionTimer: NodeJS.Timeout | undefined;
  #starting = false;
  #publisher: RtpPublisher | undefined;
  #relay: FfmpegRelay | undefined;
  #closed = false;

  constructor(options: RtmpStreamOptions) {
    this.#options = options;
  }

  /** Takes a message of audio or video. */
  take(message: RtmpMessage): void {
    if (this.#closed || message.payload.length === 0) return;
    if (this.#relay) {
      if (!this.#relay.write(flvTag(message))) this.#options.source.pause();
      return;
    }
    this.#buffered.push(message);
    this.#bufferedBytes += message.payload.length;
    if (this.#buffered.length > MAX_BUFFERED.messages) {
      this.#fail(new WeirError('badRequest', 'The stream begins with too many small messages.'));
      return;
    }
    this.#decisionTimer ??= setTimeout(() => this.#decide(), DECISION_DELAY);
    if (this.#isKnown(message)) this.#decide();
  }

  /** Ends it: its publisher leaves, and its ffmpeg ends. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#decisionTimer);
    this.#aborter.abort();
    this.#buffered = [];
    this.#publisher?.close('left');
    this.#relay?.close();
  }

  /** Begins with what is known about the stream now. */
  #decide(): void {
    if (this.#closed || this.#starting) return;
    clearTimeout(this.#decisionTimer);
    this.#starting = true;
    this.#options.source.pause();
    const { context, room, admission } = this.#options;
    void context.rooms.refusals
      .watch(room, admission.credentials.kind, () => this.#start(this.#inspector.content))
      .catch((error: unknown) => this.#fail(error));
  }

  /** Whether it is known what the stream is, or cannot be waited for any more. */
  #isKnown(message: RtmpMessage): boolean {
    if (this.#starting) return true;
    try {
      return this.#inspector.look(message) || this.#bufferedBytes > MAX_BUFFERED.bytes;
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  /** For the log. */
  get ids(): { readonly room: string; readonly identity: string } {
    const { kind, identity } = this.#options.admission.credentials;
    return { room: roomKey(kind, this.#options.room), identity };
  }

  #fail(error: unknown): void {
    this.#options.source.refuse(WeirError.from(error).message);
    this.close();
  }

  /** @throws {WeirError} `busy` */
  #placeToEncode(why: string): Disposable {
    const { encodings, address } = this.#options;
    const place = encodings.acquire(address);
    if (place) return place;
    throw new WeirError(
      'busy',
      `The stream would have to be encoded anew, since ${why}, and the server does that for as many as it can: switch B-frames off in the encoder, and choose the profile Main.`,
    );
  }

  /** @throws {WeirError} why it cannot be published */
  async #start(content: StreamContent): Promise<void> {
    const { context, source, admission, room, name } = this.#options;
    const log = context.log.child(this.ids);
    const requested = streamsOf(content);
    using held = new DisposableStack();
    if (content.whyNotCopied !== undefined) held.use(this.#placeToEncode(content.whyNotCopied));
    if (requested.length === 0) throw new WeirError('badRequest', 'The stream has neither H264 nor AAC.');
    const { publisher, opened } = await openPublisher(
      context,
      admission,
      { room, name, sources: requested.map(({ kind }) => sourceOf.camera[kind]), signal: this.#aborter.signal },
      {
        create: (options) =>
          new RtpPublisher({
            ...options,
            ...context,
            log: context.log.child({ room: this.ids.room }),
            gateway: 'rtmp',
          }),
        open: (created) => {
          const tracks = requested.map((stream) => ({ ...stream, source: sourceOf.camera[stream.kind] }));
          return created.listen(tracks, { rtcpMux: false, local: true });
        },
      },
    );
    if (this.#closed) {
      publisher.close('left');
      return;
    }
    this.#publisher = publisher;
    const addressed = requested.flatMap((stream, index) => {
      const ports = opened[index];
      return ports ? [{ ...stream, port: ports.port, rtcpPort: ports.rtcpPort }] : [];
    });
    const target: Target = {
      address: opened[0]?.address ?? '',
      video: addressed.find(({ kind }) => kind === 'video'),
      audio: addressed.find(({ kind }) => kind === 'audio'),
    };
    if (content.whyNotCopied === undefined) log.info('RTMP stream begins');
    else log.info({ why: content.whyNotCopied }, 'RTMP stream begins; its video is encoded anew');
    const relay = new FfmpegRelay({
      program: context.ffmpeg,
      content,
      target,
      log,
      onDrain: () => source.resume(),
      onExit: (why) => {
        log.warn({ why }, 'RTMP stream ends');
        // The encoder hears the first reason, and that of the publisher's end would be another.
        source.refuse(`The stream has ended: ${why}.`);
        this.close();
      },
    });
    relay.disposeAtExit(held.move());
    this.#relay = relay;
    publisher.onEnd((reason) => {
      this.close();
      source.refuse(closeReasons[reason].message);
    });
    relay.write(flvHeader(content));
    let takesMore = true;
    for (const message of this.#buffered) takesMore = relay.write(flvTag(message));
    this.#buffered = [];
    if (takesMore) source.resume();
  }
}

/** The streams that ffmpeg is to send. */
function streamsOf({ hasAudio, hasVideo }: StreamContent): RequestedStream[] {
  return requestedStreams({
    video: hasVideo ? { codec: 'H264', payloadType: PAYLOAD_TYPES.video } : undefined,
    audio: hasAudio ? { codec: 'Opus', payloadType: PAYLOAD_TYPES.audio } : undefined,
  });
}
