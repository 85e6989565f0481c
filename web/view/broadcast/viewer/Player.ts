/** Owns the player: whose pictures it shows, how large, how they are asked for, and the last one while there is none. */

import { ActiveSpeakers } from '../../common/ActiveSpeakers.ts';
import { element, reconcileChildren } from '../../common/dom.ts';
import { FreezeDetector } from '../../common/FreezeDetector.ts';
import { Tile } from '../../common/Tile.ts';
import type { Participant } from '../../controller/Participant.ts';
import { translate } from '../../locales/index.ts';
import type { BroadcastController, PlayerState } from '../BroadcastController.ts';
import { type LayoutPlan, layoutPlan, type Picture } from './layoutPlan.ts';
import { type Quality, requestedQuality, storedQuality, storeQuality } from './quality.ts';
import type { StageMembership } from './StageMembership.ts';

/** A picture whose last frame is no older than this flows, in milliseconds. */
const PLAYING_TIMEOUT = 2000;
const HIDDEN = { width: 0, height: 0 };
const EMPTY: LayoutPlan = { main: undefined, corner: undefined, strip: [] };

export class Player {
  readonly root: HTMLElement;
  readonly #broadcast: BroadcastController;
  readonly #membership: StageMembership;
  readonly #speakers: ActiveSpeakers;
  readonly #freezeDetector: FreezeDetector;
  readonly #main = element('div', { className: 'main-picture' });
  readonly #strip = element('div', { className: 'strip' });
  readonly #audioOnly = element('p', { className: 'audio-only', hidden: true }, translate('audioOnly'));
  readonly #tiles = new Map<string, Tile>();
  /** Who was there when there was something to see. */
  #participants = new Map<string, Participant>();
  #plan = EMPTY;
  #state: PlayerState = 'connecting';
  #speaker: string | undefined;
  #quality = storedQuality();

  constructor(broadcast: BroadcastController, membership: StageMembership) {
    this.#broadcast = broadcast;
    this.#membership = membership;
    this.#speakers = new ActiveSpeakers(broadcast.call);
    this.#freezeDetector = new FreezeDetector(() => broadcast.call.client);
    this.root = element('div', { className: 'player-frame' }, this.#main, this.#strip, this.#audioOnly);
    // A film that is paused keeps its last picture when its track ends; one that plays turns black.
    broadcast.call.on('tracksEnding', () => {
      for (const { video } of this.#tiles.values()) video.pause();
    });
  }

  get state(): PlayerState {
    return this.#state;
  }

  get quality(): Quality {
    return this.#quality;
  }

  setQuality(quality: Quality): void {
    this.#quality = quality;
    storeQuality(quality);
    this.#reportTrackSettings();
  }

  /** The large picture, where there is one: what picture-in-picture shows. */
  get video(): HTMLVideoElement | undefined {
    const video = this.#mainTile?.video;
    return video && video.readyState >= HTMLMediaElement.HAVE_METADATA ? video : undefined;
  }

  /** Makes the player true to the broadcast. */
  render(): void {
    this.#state = this.#currentState();
    if (this.#state === 'interrupted') this.#showInterrupted();
    else if (this.#state === 'live') this.#showLive();
    else this.#applyPlan(EMPTY);
    this.root.classList.toggle('with-strip', this.#strip.children.length > 0);
    this.#reportTrackSettings();
  }

  /** The player is not shown any more. */
  close(): void {
    this.#applyPlan(EMPTY);
  }

  /** Rings around who speaks, and pictures that stand still. Called regularly. */
  pollSpeakers(): void {
    const speaking = this.#speakers.poll();
    for (const [key, tile] of this.#tiles) tile.setSpeaking(speaking.has(key));
    const speaker = this.#speakers.activeSpeaker(speaking, this.#speaker);
    const changed = speaker !== this.#speaker || this.#currentState() !== this.#state;
    this.#speaker = speaker;
    if (changed) this.render();
    this.#updateFrozen();
  }

  /** On the stage one sees the others, on air or not; and media of who has lost the connection may flow on. */
  #currentState(): PlayerState {
    const { playerState, stageParticipants, call } = this.#broadcast;
    if (playerState === 'connecting' || call.phase === 'ended') return playerState;
    if (this.#membership.onStage) return 'live';
    if (playerState !== 'interrupted') return playerState;
    const flows = this.#mainTile?.root.classList.contains('playing') && this.#mainTile.stalledFor < PLAYING_TIMEOUT;
    return flows && stageParticipants.some(({ away, cameraOn, screenOn }) => away && (cameraOn || screenOn))
      ? 'live'
      : 'interrupted';
  }

  #showLive(): void {
    const { call, stageParticipants } = this.#broadcast;
    const own = this.#membership.onStage ? [call.localParticipant] : [];
    this.#participants = new Map([...stageParticipants, ...own].map((person) => [person.id, person]));
    const plan = layoutPlan(stageParticipants.length > 0 ? stageParticipants : own, this.#speaker);
    // Our own picture comes first: whoever is on the stage wants to see it without looking for it.
    const strip = stageParticipants.length > 0 ? [...own.map(({ id }) => id), ...plan.strip] : [];
    this.#applyPlan({ ...plan, strip });
    for (const [key, tile] of this.#tiles) this.#updateTile(key, tile);
    const main = this.#participants.get(plan.main?.id ?? '');
    this.#audioOnly.hidden = !main || main.cameraOn || main.screenOn;
  }

  /** The large picture stays as it was, until somebody is back. */
  #showInterrupted(): void {
    const { main } = this.#plan;
    this.#applyPlan({ ...EMPTY, main });
    const tile = this.#mainTile;
    const person = main && this.#participants.get(main.id);
    if (!tile || !person) return;
    const { name } = person;
    // What had no picture has none to keep.
    const expectsVideo = main.source === 'screen' || person.cameraOn;
    tile.update({ label: name, name, video: undefined, expectsVideo, muted: false, handRaised: false, pinned: false });
    tile.setFrozen(false, undefined);
  }

  #applyPlan(plan: LayoutPlan): void {
    this.#plan = plan;
    const { main, corner, strip } = plan;
    const large = [main && this.#tile(keyOf(main)), corner && this.#tile(corner)].filter(
      (tile) => tile instanceof Tile,
    );
    const small = strip.map((id) => this.#tile(id));
    const kept = new Set([...large, ...small]);
    for (const [key, tile] of this.#tiles) {
      if (kept.has(tile)) continue;
      tile.remove();
      this.#tiles.delete(key);
    }
    large.forEach(({ root }, index) => {
      root.classList.toggle('corner', index > 0);
    });
    for (const { root } of small) root.classList.remove('corner');
    reconcileChildren(
      this.#main,
      large.map(({ root }) => root),
    );
    reconcileChildren(
      this.#strip,
      small.map(({ root }) => root),
    );
    for (const tile of kept) tile.resume();
    this.#updateAspect();
    this.#audioOnly.hidden = true;
  }

  #tile(key: string): Tile {
    const known = this.#tiles.get(key);
    if (known) return known;
    const kind = key === 'self' ? 'local' : isScreen(key) ? 'screen' : 'participant';
    const tile = new Tile({ kind, ...(kind !== 'local' && { onSize: () => this.#reportTrackSettings() }) });
    tile.video.addEventListener('resize', () => this.#updateAspect());
    this.#tiles.set(key, tile);
    return tile;
  }

  #updateTile(key: string, tile: Tile): void {
    const screen = isScreen(key);
    const person = this.#participants.get(screen ? key.slice(SCREEN.length) : key);
    if (!person) return;
    tile.update({
      data: person.isLocal ? { local: '' } : screen ? { screenOf: person.peerId } : { peerId: person.peerId },
      label: person.isLocal ? translate('you') : person.name,
      name: person.name,
      video: screen ? person.screen : person.camera,
      expectsVideo: screen
        ? person.unsupportedCodec.screen === undefined
        : person.cameraOn && person.unsupportedCodec.camera === undefined,
      unsupportedCodec: screen ? person.unsupportedCodec.screen : person.unsupportedCodec.camera,
      muted: !screen && person.muted,
      handRaised: false,
      pinned: false,
      away: person.away,
    });
  }

  /** Tells the server how large each picture is seen; only of the large one the quality is chosen. */
  #reportTrackSettings(): void {
    if (this.#state !== 'live') return;
    const { call, stageParticipants } = this.#broadcast;
    for (const { id, peerId } of stageParticipants) {
      for (const source of ['camera', 'screen'] as const) {
        const picture = { id, source };
        const tile = this.#tiles.get(keyOf(picture));
        const large = this.#isMain(picture);
        if (!tile) call.client.updateTrackSettings(peerId, source, HIDDEN);
        else if (tile.size) {
          const quality = large ? requestedQuality(this.#quality) : undefined;
          call.client.updateTrackSettings(peerId, source, {
            ...tile.size,
            priority: large ? 'high' : 'normal',
            quality,
          });
        }
      }
    }
  }

  #updateFrozen(): void {
    if (this.#state !== 'live') return;
    const ownerOf = (key: string) => this.#participants.get(isScreen(key) ? key.slice(SCREEN.length) : key);
    const frozen = this.#freezeDetector.frozen(
      [...this.#tiles].map(([key, tile]) => ({
        tile,
        peerId: ownerOf(key)?.peerId ?? '',
        source: isScreen(key) ? 'screen' : 'camera',
      })),
    );
    for (const [key, tile] of this.#tiles) {
      const { name = '', away = false } = ownerOf(key) ?? {};
      const words = this.#freezeDetector.isOffline
        ? translate('localConnectionSlow')
        : translate(away ? 'participantReconnecting' : 'remoteConnectionSlow', { name });
      tile.setFrozen(frozen.has(tile), words);
    }
  }

  /** The large tile has the shape of its picture, and the frame on a phone as well. */
  #updateAspect(): void {
    const { videoWidth = 0, videoHeight = 0 } = this.#mainTile?.video ?? {};
    if (videoWidth > 0 && videoHeight > 0) this.root.style.setProperty('--aspect', `${videoWidth / videoHeight}`);
  }

  get #mainTile(): Tile | undefined {
    return this.#plan.main && this.#tiles.get(keyOf(this.#plan.main));
  }

  #isMain({ id, source }: Picture): boolean {
    return this.#plan.main?.id === id && this.#plan.main.source === source;
  }
}

/** The tile of a camera has its owner's id; that of a screen has this before it. */
const SCREEN = 'screen:';

function keyOf({ id, source }: Picture): string {
  return source === 'screen' ? `${SCREEN}${id}` : id;
}

function isScreen(key: string): boolean {
  return key.startsWith(SCREEN);
}
