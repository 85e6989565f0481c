/** Owns the player: whose pictures it shows, how large, how they are asked for, and the last one while there is none. */

import { ActiveSpeakers } from '../../common/ActiveSpeakers.ts';
import { element, reconcileChildren } from '../../common/dom.ts';
import { FreezeDetector } from '../../common/FreezeDetector.ts';
import { Tile } from '../../common/Tile.ts';
import { translate } from '../../locales/index.ts';
import type { Person } from '../../participation/Person.ts';
import type { BroadcastController, Scene } from '../BroadcastController.ts';
import { type LayoutPlan, layoutPlan, type Picture } from './layoutPlan.ts';
import { chooseQuality, chosenQuality, type Quality, viewQuality } from './quality.ts';
import type { ViewerStage } from './Stage.ts';

/** A picture whose last frame is no older than this flows, in milliseconds. */
const FLOWS = 2000;
const NOTHING = { width: 0, height: 0 };
const EMPTY: LayoutPlan = { main: undefined, corner: undefined, strip: [] };

export class Player {
  readonly root: HTMLElement;
  readonly #show: BroadcastController;
  readonly #onStage: ViewerStage;
  readonly #speakers: ActiveSpeakers;
  readonly #freezeCount: FreezeDetector;
  readonly #main = element('div', { className: 'main' });
  readonly #strip = element('div', { className: 'strip' });
  readonly #soundOnly = element('p', { className: 'sound-only', hidden: true }, translate('soundOnly'));
  readonly #tiles = new Map<string, Tile>();
  /** Who was there when there was something to see. */
  #people = new Map<string, Person>();
  #plan = EMPTY;
  #scene: Scene = 'connecting';
  #speaker: string | undefined;
  #quality = chosenQuality();

  constructor(show: BroadcastController, onStage: ViewerStage) {
    this.#show = show;
    this.#onStage = onStage;
    this.#speakers = new ActiveSpeakers(show.session);
    this.#freezeCount = new FreezeDetector(() => show.session.client);
    this.root = element('div', { className: 'frame' }, this.#main, this.#strip, this.#soundOnly);
    // A film that is paused keeps its last picture when its track ends; one that plays turns black.
    show.session.on('losing', () => {
      for (const { video } of this.#tiles.values()) video.pause();
    });
  }

  get scene(): Scene {
    return this.#scene;
  }

  get quality(): Quality {
    return this.#quality;
  }

  setQuality(quality: Quality): void {
    this.#quality = quality;
    chooseQuality(quality);
    this.#report();
  }

  /** The large picture, where there is one: what picture-in-picture shows. */
  get video(): HTMLVideoElement | undefined {
    const video = this.#mainTile?.video;
    return video && video.readyState >= HTMLMediaElement.HAVE_METADATA ? video : undefined;
  }

  /** Makes the player true to the broadcast. */
  render(): void {
    this.#scene = this.#sceneNow();
    if (this.#scene === 'held') this.#hold();
    else if (this.#scene === 'live') this.#play();
    else this.#place(EMPTY);
    this.root.classList.toggle('with-strip', this.#strip.children.length > 0);
    this.#report();
  }

  /** The player is not shown any more. */
  close(): void {
    this.#place(EMPTY);
  }

  /** Rings around who speaks, and pictures that stand still. Called regularly. */
  hear(): void {
    const speaking = this.#speakers.listen();
    for (const [key, tile] of this.#tiles) tile.setSpeaking(speaking.has(key));
    const speaker = this.#speakers.active(speaking, this.#speaker);
    const changed = speaker !== this.#speaker || this.#sceneNow() !== this.#scene;
    this.#speaker = speaker;
    if (changed) this.render();
    this.#judgeFrozen();
  }

  /** On the stage one sees the others, on air or not; and media of who has lost the connection may flow on. */
  #sceneNow(): Scene {
    const { scene, stage, session } = this.#show;
    if (scene === 'connecting' || session.phase === 'ended') return scene;
    if (this.#onStage.on) return 'live';
    if (scene !== 'held') return scene;
    const flows = this.#mainTile?.root.classList.contains('live') && this.#mainTile.stalledFor < FLOWS;
    return flows && stage.some(({ away, cameraOn, screenOn }) => away && (cameraOn || screenOn)) ? 'live' : 'held';
  }

  #play(): void {
    const { session, stage } = this.#show;
    const own = this.#onStage.on ? [session.self] : [];
    this.#people = new Map([...stage, ...own].map((person) => [person.id, person]));
    const plan = layoutPlan(stage.length > 0 ? stage : own, this.#speaker);
    // Our own picture comes first: whoever is on the stage wants to see it without looking for it.
    const strip = stage.length > 0 ? [...own.map(({ id }) => id), ...plan.strip] : [];
    this.#place({ ...plan, strip });
    for (const [key, tile] of this.#tiles) this.#fill(key, tile);
    const main = this.#people.get(plan.main?.id ?? '');
    this.#soundOnly.hidden = !main || main.cameraOn || main.screenOn;
  }

  /** The large picture stays as it was, until somebody is back. */
  #hold(): void {
    const { main } = this.#plan;
    this.#place({ ...EMPTY, main });
    const tile = this.#mainTile;
    const person = main && this.#people.get(main.id);
    if (!tile || !person) return;
    const { name } = person;
    // What had no picture has none to keep.
    const expectsVideo = main.source === 'screen' || person.cameraOn;
    tile.show({ label: name, name, video: undefined, expectsVideo, muted: false, hand: false, pinned: false });
    tile.setSlow(false, undefined);
  }

  #place(plan: LayoutPlan): void {
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
    this.#measure();
    this.#soundOnly.hidden = true;
  }

  #tile(key: string): Tile {
    const known = this.#tiles.get(key);
    if (known) return known;
    const kind = key === 'self' ? 'own' : isScreen(key) ? 'screen' : 'person';
    const tile = new Tile({ kind, ...(kind !== 'own' && { onSize: () => this.#report() }) });
    tile.video.addEventListener('resize', () => this.#measure());
    this.#tiles.set(key, tile);
    return tile;
  }

  #fill(key: string, tile: Tile): void {
    const screen = isScreen(key);
    const person = this.#people.get(screen ? key.slice(SCREEN.length) : key);
    if (!person) return;
    tile.show({
      data: person.own ? { own: '' } : screen ? { screenOf: person.peerId } : { peerId: person.peerId },
      label: person.own ? translate('you') : person.name,
      name: person.name,
      video: screen ? person.screen : person.camera,
      expectsVideo: screen
        ? person.unsupportedCodec.screen === undefined
        : person.cameraOn && person.unsupportedCodec.camera === undefined,
      unsupportedCodec: screen ? person.unsupportedCodec.screen : person.unsupportedCodec.camera,
      muted: !screen && person.muted,
      hand: false,
      pinned: false,
      away: person.away,
    });
  }

  /** Tells the server how large each picture is seen; only of the large one the quality is chosen. */
  #report(): void {
    if (this.#scene !== 'live') return;
    const { session, stage } = this.#show;
    for (const { id, peerId } of stage) {
      for (const source of ['camera', 'screen'] as const) {
        const picture = { id, source };
        const tile = this.#tiles.get(keyOf(picture));
        const large = this.#isMain(picture);
        if (!tile) session.client.updateTrackSettings(peerId, source, NOTHING);
        else if (tile.size) {
          const quality = large ? viewQuality(this.#quality) : undefined;
          session.client.updateTrackSettings(peerId, source, {
            ...tile.size,
            priority: large ? 'high' : 'normal',
            quality,
          });
        }
      }
    }
  }

  #judgeFrozen(): void {
    if (this.#scene !== 'live') return;
    const ownerOf = (key: string) => this.#people.get(isScreen(key) ? key.slice(SCREEN.length) : key);
    const frozen = this.#freezeCount.frozen(
      [...this.#tiles].map(([key, tile]) => ({
        tile,
        peerId: ownerOf(key)?.peerId ?? '',
        source: isScreen(key) ? 'screen' : 'camera',
      })),
    );
    for (const [key, tile] of this.#tiles) {
      const { name = '', away = false } = ownerOf(key) ?? {};
      const words = this.#freezeCount.isOffline
        ? translate('frozenYours')
        : translate(away ? 'awayTheirs' : 'frozenTheirs', { name });
      tile.setSlow(frozen.has(tile), words);
    }
  }

  /** The large tile has the shape of its picture, and the frame on a phone as well. */
  #measure(): void {
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
