/** The player: which videos it shows and in which size, and the last frame while the broadcast is interrupted. */
import { ActiveSpeakers } from '../../common/ActiveSpeakers.ts';
import { element, reconcileChildren } from '../../common/dom.ts';
import { FreezeDetector } from '../../common/FreezeDetector.ts';
import { Tile } from '../../common/Tile.ts';
import { isScreenKey, participantOf, tileKey } from '../../common/tileKey.ts';
import { tileState } from '../../common/tileState.ts';
import type { Participant } from '../../controller/Participant.ts';
import { translate } from '../../locales/index.ts';
import type { BroadcastController, PlayerState } from '../BroadcastController.ts';
import { type LayoutPlan, layoutPlan, type Picture } from './layoutPlan.ts';
import { type Quality, requestedQuality, storedQuality, storeQuality } from './quality.ts';
import type { StageMembership } from './StageMembership.ts';

/** A video counts as playing while its last frame is no older than this, in milliseconds. */
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
  /** The participants when the broadcast was last live, by id. */
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
    // A paused video keeps its last frame when its track ends; a playing one turns black.
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

  /** The video for picture-in-picture: the main one; undefined where none plays. */
  get video(): HTMLVideoElement | undefined {
    const video = this.#mainTile?.video;
    return video && video.readyState >= HTMLMediaElement.HAVE_METADATA ? video : undefined;
  }

  /** Makes the tiles match the broadcast. */
  render(): void {
    this.#state = this.#currentState();
    if (this.#state === 'interrupted') this.#showInterrupted();
    else if (this.#state === 'live') this.#showLive();
    else this.#applyPlan(EMPTY);
    this.#reportTrackSettings();
  }

  close(): void {
    this.#applyPlan(EMPTY);
  }

  /** Updates who is speaking, who is the active speaker, and which videos are frozen. To be called regularly. */
  pollSpeakers(): void {
    const speaking = this.#speakers.poll();
    for (const [key, tile] of this.#tiles) tile.setSpeaking(speaking.has(key));
    const speaker = this.#speakers.activeSpeaker(speaking, this.#speaker);
    const changed = speaker !== this.#speaker || this.#currentState() !== this.#state;
    this.#speaker = speaker;
    if (changed) this.render();
    this.#updateFrozen();
  }

  /** On the stage the others are always shown; and media may continue while the signalling of its owner is lost. */
  #currentState(): PlayerState {
    const { playerState, stageParticipants, call } = this.#broadcast;
    if (playerState === 'connecting' || call.phase === 'ended') return playerState;
    if (this.#membership.onStage) return 'live';
    if (playerState !== 'interrupted') return playerState;
    const isPlaying = this.#mainTile?.root.classList.contains('playing') && this.#mainTile.stalledFor < PLAYING_TIMEOUT;
    return isPlaying && stageParticipants.some(({ away, cameraOn, screenOn }) => away && (cameraOn || screenOn))
      ? 'live'
      : 'interrupted';
  }

  #showLive(): void {
    const { call, stageParticipants } = this.#broadcast;
    const local = this.#membership.onStage ? [call.localParticipant] : [];
    this.#participants = new Map([...stageParticipants, ...local].map((participant) => [participant.id, participant]));
    const plan = layoutPlan(stageParticipants.length > 0 ? stageParticipants : local, this.#speaker);
    // The local tile is the first of the strip, where it is found at once.
    const strip = stageParticipants.length > 0 ? [...local.map(({ id }) => id), ...plan.strip] : [];
    this.#applyPlan({ ...plan, strip });
    for (const [key, tile] of this.#tiles) this.#updateTile(key, tile);
    const main = this.#participants.get(plan.main?.id ?? '');
    this.#audioOnly.hidden = !main || main.cameraOn || main.screenOn;
  }

  /** Keeps the last frame of the main tile until somebody publishes again. */
  #showInterrupted(): void {
    const { main } = this.#plan;
    this.#applyPlan({ ...EMPTY, main });
    const tile = this.#mainTile;
    const participant = main && this.#participants.get(main.id);
    if (!tile || !participant) return;
    const { name } = participant;
    // An avatar stays an avatar.
    const expectsVideo = main.source === 'screen' || participant.cameraOn;
    tile.update({ label: name, name, video: undefined, expectsVideo, muted: false, handRaised: false, pinned: false });
    tile.setFrozen(false, undefined);
  }

  #applyPlan(plan: LayoutPlan): void {
    this.#plan = plan;
    const { main, corner, strip } = plan;
    const large = [main && this.#tile(tileKey(main.id, main.source)), corner && this.#tile(corner)].filter(
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
    const kind = key === 'self' ? 'local' : isScreenKey(key) ? 'screen' : 'participant';
    const tile = new Tile({ kind, ...(kind !== 'local' && { onSize: () => this.#reportTrackSettings() }) });
    tile.video.addEventListener('resize', () => this.#updateAspect());
    this.#tiles.set(key, tile);
    return tile;
  }

  #updateTile(key: string, tile: Tile): void {
    const participant = this.#participants.get(participantOf(key));
    if (!participant) return;
    const { isLocal, name } = participant;
    tile.update({
      ...tileState(participant, isScreenKey(key) ? 'screen' : 'camera'),
      label: isLocal ? translate('you') : name,
      handRaised: false,
    });
  }

  /** Reports to the server in which size each video is visible; the chosen quality applies to the main one only. */
  #reportTrackSettings(): void {
    if (this.#state !== 'live') return;
    const { call, stageParticipants } = this.#broadcast;
    for (const { id, peerId } of stageParticipants) {
      for (const source of ['camera', 'screen'] as const) {
        const video = { id, source };
        const tile = this.#tiles.get(tileKey(video.id, video.source));
        const large = this.#isMain(video);
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
    const ownerOf = (key: string) => this.#participants.get(participantOf(key));
    const frozen = this.#freezeDetector.frozen(
      [...this.#tiles].map(([key, tile]) => ({
        tile,
        peerId: ownerOf(key)?.peerId ?? '',
        source: isScreenKey(key) ? 'screen' : 'camera',
      })),
    );
    const { client } = this.#broadcast.call;
    for (const [key, tile] of this.#tiles) {
      const { name = '', peerId = '', away = false, isLocal } = ownerOf(key) ?? {};
      const quality = isLocal ? client.connectionQuality() : client.connectionQuality(peerId);
      tile.setQuality(away ? 'good' : quality, name);
      const notice = away ? translate('remoteReconnecting', { name }) : translate('videoStopped');
      tile.setFrozen(frozen.has(tile), this.#freezeDetector.isOffline ? translate('localOffline') : notice);
    }
  }

  /** Gives the main tile, and on a phone the player, the aspect ratio of the video. */
  #updateAspect(): void {
    const { videoWidth = 0, videoHeight = 0 } = this.#mainTile?.video ?? {};
    if (videoWidth > 0 && videoHeight > 0) this.root.style.setProperty('--aspect', `${videoWidth / videoHeight}`);
  }

  get #mainTile(): Tile | undefined {
    return this.#plan.main && this.#tiles.get(tileKey(this.#plan.main.id, this.#plan.main.source));
  }

  #isMain({ id, source }: Picture): boolean {
    return this.#plan.main?.id === id && this.#plan.main.source === source;
  }
}
