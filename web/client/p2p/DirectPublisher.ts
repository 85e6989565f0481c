/** Sends the published tracks over one direct connection, each with one encoding, adapted as those for the SFU are. */
import { type Source, sources } from '../../../shared/media.ts';
import type { RoomKind } from '../../../shared/protocol.ts';
import { type EncodingChoice, encodingsOf, type Size, sizeOf } from '../sfu/encodings.ts';
import { SenderLayerControl } from '../sfu/SenderLayerControl.ts';
import { sendsInactiveAudio } from '../sfu/TracklessSender.ts';
import { hintedContent, prepareTrack, VideoAdapter } from '../sfu/VideoAdapter.ts';
import type { ShownSize } from './ControlChannel.ts';
import type { DirectConnection } from './DirectConnection.ts';

/** A track that is published, and whether it is muted. */
interface LocalTrack {
  readonly track: MediaStreamTrack;
  readonly muted: boolean;
}

/** What is published, by source. */
export type LocalTracks = ReadonlyMap<Source, LocalTrack>;

/** The tracks of all sources that are published. */
export function localTracksOf(owner: { publishedTrack(source: Source): LocalTrack | undefined }): LocalTracks {
  const tracks = new Map<Source, LocalTrack>();
  for (const source of sources) {
    const published = owner.publishedTrack(source);
    if (published) tracks.set(source, published);
  }
  return tracks;
}

/** The bitrate of a camera of 1280x720 and more, in bit/s: there is no lower layer beside it. */
const CAMERA = { side: 960, bitrate: 1_700_000 };

interface Sent {
  track: MediaStreamTrack;
  muted: boolean;
  sender: RTCRtpSender | undefined;
  adapter: VideoAdapter | undefined;
  size: Size | undefined;
  /** As the adapter wants them. */
  encodings: readonly RTCRtpEncodingParameters[];
}

export class DirectPublisher {
  readonly #connection: Pick<DirectConnection, 'addTrack' | 'removeTrack'>;
  readonly #kind: RoomKind;
  readonly #sendsInactive: boolean;
  readonly #layers = new SenderLayerControl();
  readonly #sent = new Map<Source, Sent>();
  #shown: ReadonlyMap<Source, ShownSize> = new Map();
  /** Nothing is sent: the other end plays nothing of this connection any more. */
  #paused = false;
  #closed = false;

  /** @param sendsInactive whether this browser sends audio although its encoding is inactive */
  constructor(
    connection: Pick<DirectConnection, 'addTrack' | 'removeTrack'>,
    kind: RoomKind,
    sendsInactive = sendsInactiveAudio(),
  ) {
    this.#connection = connection;
    this.#kind = kind;
    this.#sendsInactive = sendsInactive;
  }

  /** Sends exactly these tracks. */
  sync(tracks: LocalTracks): void {
    if (this.#closed) return;
    for (const source of [...this.#sent.keys()]) if (!tracks.has(source)) this.#remove(source);
    for (const [source, { track, muted }] of tracks) {
      const sent = this.#sent.get(source);
      if (!sent) void this.#add(source, track, muted);
      else {
        sent.muted = muted;
        if (sent.track !== track) void this.#replace(sent, track);
        this.#limit(source, sent);
      }
    }
  }

  /** The sizes in which the other end shows videos; one that is missing is shown in full. */
  setShown(sizes: readonly ShownSize[]): void {
    this.#shown = new Map(sizes.map((size) => [size.source, size]));
    for (const [source, sent] of this.#sent) {
      this.#reshape(source, sent);
      this.#limit(source, sent);
    }
  }

  /** Stops sending; the connection stays. */
  pause(): void {
    this.#paused = true;
    for (const [source, sent] of this.#sent) this.#limit(source, sent);
  }

  close(): void {
    this.#closed = true;
    this.#layers.close();
    for (const { adapter } of this.#sent.values()) adapter?.close();
    this.#sent.clear();
  }

  async #add(source: Source, track: MediaStreamTrack, muted: boolean): Promise<void> {
    const isVideo = source === 'camera' || source === 'screen';
    const hint = prepareTrack(source, track);
    const size = isVideo ? sizeOf(track) : undefined;
    const choice: EncodingChoice = {
      source,
      // One encoding without layers.
      codec: undefined,
      size,
      kind: this.#kind,
      ...(source === 'screen' && { content: hintedContent(track) }),
      scalable: false,
      firefox: false,
    };
    const encodings = encodingsOf(choice);
    const sent: Sent = { track, muted, sender: undefined, adapter: undefined, size, encodings };
    this.#sent.set(source, sent);
    const isCurrent = () => !this.#closed && this.#sent.get(source) === sent;
    try {
      const sender = await this.#connection.addTrack(source, track, this.#adapted(source, sent));
      if (!isCurrent()) return;
      sent.sender = sender;
      if (this.#sendsInactive && !isVideo) this.#layers.beginTrackless(source, sender, () => sent.track);
      else this.#layers.begin(source, sender, this.#adapted(source, sent));
      this.#reshape(source, sent);
      this.#limit(source, sent);
      // It may have been replaced meanwhile.
      if (sent.track !== track) await this.#replace(sent, sent.track);
      if (!isVideo || !isCurrent()) return;
      sent.adapter = new VideoAdapter({
        sender,
        track: () => sent.track,
        choice,
        hint,
        layers: {
          reshape: (_source, wanted) => {
            sent.encodings = wanted;
            this.#reshape(source, sent);
          },
        },
        onResized: () => {},
      });
    } catch {
      // The connection has closed, or the browser refuses the track: it goes by the server.
      if (isCurrent()) this.#remove(source);
    }
  }

  async #replace(sent: Sent, track: MediaStreamTrack): Promise<void> {
    sent.track = track;
    await sent.sender?.replaceTrack(track).catch(() => {});
    if (sent.track === track && !this.#closed) sent.adapter?.trackReplaced();
  }

  #remove(source: Source): void {
    this.#sent.get(source)?.adapter?.close();
    this.#sent.delete(source);
    this.#layers.end(source);
    this.#connection.removeTrack(source);
  }

  #limit(source: Source, { sender, muted }: Sent): void {
    const isHidden = this.#shown.get(source)?.width === 0;
    if (sender) this.#layers.limit(source, muted || isHidden || this.#paused ? -1 : 0);
  }

  #reshape(source: Source, sent: Sent): void {
    if (sent.sender) this.#layers.reshape(source, this.#adapted(source, sent));
  }

  /** The encodings that the adapter wants, not larger than the other end shows a camera. */
  #adapted(source: Source, sent: Sent): RTCRtpEncodingParameters[] {
    const [encoding] = sent.encodings;
    if (!encoding) return [];
    if (source !== 'camera') return [{ ...encoding }];
    const size = sizeOf(sent.track) ?? sent.size;
    const scale = size ? scaleOf(size, this.#shown.get(source)) : 1;
    if (scale === 1) {
      const isLarge = !size || Math.max(size.width, size.height) >= CAMERA.side;
      return [{ ...encoding, ...(isLarge && { maxBitrate: CAMERA.bitrate }), scaleResolutionDownBy: 1 }];
    }
    const scaled = size && { width: size.width / scale, height: size.height / scale };
    const [smaller] = encodingsOf({
      ...{ source, codec: undefined, kind: this.#kind, scalable: false, firefox: false },
      size: scaled,
    });
    return [{ ...encoding, maxBitrate: smaller?.maxBitrate, scaleResolutionDownBy: scale }];
  }
}

/** The largest power of two by which a picture can be scaled down and still be as large as it is shown. */
function scaleOf(size: Size, shown: ShownSize | undefined): number {
  if (!shown || shown.width === 0) return 1;
  let scale = 1;
  // A picture that fills its place in one direction is cut in the other.
  while (scale < 4 && size.width / (scale * 2) >= shown.width && size.height / (scale * 2) >= shown.height) scale *= 2;
  return scale;
}
