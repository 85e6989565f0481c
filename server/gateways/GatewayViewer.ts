/** Somebody who receives through a gateway: a participant that publishes nothing, with one video and one audio for ever. */
import type { MediaKind, RtpCapabilities } from '../../shared/media.ts';
import type { Grants } from '../../shared/protocol.ts';
import type { AudioSlots } from '../media/audio/AudioSlots.ts';
import type { ConsumerTransport } from '../media/ConsumerFactory.ts';
import type { RoomRouters } from '../media/RoomRouters.ts';
import { ConsumerOpener } from '../room/ConsumerOpener.ts';
import type { Publication } from '../room/Publication.ts';
import type { Subscriber } from '../room/Subscriber.ts';
import { type Closable, GatewayParticipant } from './GatewayParticipant.ts';
import type { ParticipantOptions } from './participantOptions.ts';
import { PlayedAudio } from './playback/PlayedAudio.ts';
import { PlayedVideo } from './playback/PlayedVideo.ts';
import type { RoomAudio } from './playback/RoomAudio.ts';

export interface ViewerOptions extends ParticipantOptions {
  readonly routers: RoomRouters;
  /** Of the room; given back when the viewer ends. */
  readonly audio: Disposable & { readonly audio: RoomAudio };
}

/** Where one kind of media is sent, and what can be received there. */
export interface ViewerOutput {
  readonly kind: MediaKind;
  readonly transport: ConsumerTransport;
  readonly rtpCapabilities: RtpCapabilities;
  /** The MID of the m-line, where there is one. */
  readonly mid?: string;
}

/** What is heard. */
export interface ViewerAudio {
  /** Whether anything is to be heard now: a broadcast may not be live. */
  setAudible(audible: boolean): void;
  close(): void;
}

/** Each gateway has its own subclass, which opens the transports. */
export abstract class GatewayViewer extends GatewayParticipant implements Subscriber {
  readonly #options: ViewerOptions;
  #video: PlayedVideo | undefined;
  #audio: ViewerAudio | undefined;

  /** @param transports closed with the viewer, or when it may not receive any more */
  constructor(options: ViewerOptions, transports: Closable) {
    super(options, transports);
    const { audio } = options;
    this.#options = options;
    this.lifetime.defer(() => audio[Symbol.dispose]());
  }

  /** The receiver has lost a key frame, or is ready for one. */
  requestKeyFrame(): void {
    this.#video?.requestKeyFrame();
  }

  /** Whether a publication could be sent: by default any of them. */
  receives(_publication: Publication): boolean {
    return true;
  }

  // Subscriber

  async subscribe(publication: Publication): Promise<void> {
    this.#options.placement.activate();
    this.#audio?.setAudible(true);
    if (publication.track.kind === 'video' && this.receives(publication)) this.#video?.add(publication);
  }

  unsubscribeAll(): void {
    this.#audio?.setAudible(false);
    this.#video?.clear();
  }

  /** It has a slot of its own, which it hears whether the room has slots or not. */
  async subscribeSlots(_slots: AudioSlots): Promise<void> {
    this.#options.placement.activate();
    this.#audio?.setAudible(true);
  }

  async unsubscribeSlots(): Promise<void> {}

  removePeer(): void {}

  protected hasUse({ canSubscribe }: Grants): boolean {
    return canSubscribe;
  }

  /** The receiver of one kind of media is known: it is sent what the viewer is subscribed to from now on. */
  protected play({ kind, ...receiver }: ViewerOutput): void {
    const { placement, routers } = this.#options;
    const opener = new ConsumerOpener({
      ...receiver,
      router: placement.router,
      routers,
      // There is no way to tell the receiver; another video may be sent.
      events: { unsupportedCodec() {} },
    });
    if (kind === 'audio') this.#playAudio(this.openAudio(opener));
    else this.#playVideo(opener);
  }

  /** What is heard: by default whoever speaks. */
  protected openAudio(opener: ConsumerOpener): ViewerAudio {
    return new PlayedAudio({ opener, slots: this.#options.audio.audio.slots });
  }

  /** The layers that its downlink cannot carry, from the highest. */
  protected setLayerReduction(layers: number): void {
    this.#video?.setLayerReduction(layers);
  }

  #playAudio(audio: ViewerAudio): void {
    this.#audio = audio;
    this.lifetime.defer(() => audio.close());
  }

  #playVideo(opener: ConsumerOpener): void {
    const { placement, audio } = this.#options;
    const video = new PlayedVideo({ opener, routerId: placement.router.id, speaker: () => audio.audio.speaker });
    this.#video = video;
    this.lifetime.defer(() => video.clear());
    this.lifetime.defer(audio.audio.onSpeaker(() => video.update()));
  }
}
