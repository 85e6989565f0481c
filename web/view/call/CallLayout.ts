/** Owns the stage: which tiles there are, which are large, which are on this page, and where they stand. */
import { ChevronLeft, ChevronRight } from 'lucide';
import { ActiveSpeakers } from '../common/ActiveSpeakers.ts';
import { announce, element, icon, reconcileChildren } from '../common/dom.ts';
import { FreezeDetector } from '../common/FreezeDetector.ts';
import { GAP, largestGrid, MAX_TILES, pageOf, type Size, tilesPerPage } from '../common/gridLayout.ts';
import { Tile } from '../common/Tile.ts';
import type { CallController } from '../controller/CallController.ts';
import type { Participant } from '../controller/Participant.ts';
import { translate } from '../locales/index.ts';
import { LocalTile } from './LocalTile.ts';

export type LayoutMode = 'grid' | 'speaker';

/** The tile of a person has the person's id; that of their screen has this before it. */
const SCREEN = 'screen:';
const ASPECT = 16 / 9;
/** The strip beside or above a large tile: its width or height, and the least size of its tiles, in CSS pixels. */
const STRIP = { wide: 220, tall: 72, leastBeside: { width: 180, height: 101 }, leastAbove: { width: 112, height: 63 } };
/** What the page turner takes below the tiles. */
const PAGER_HEIGHT = 56;

export class CallLayout {
  readonly root: HTMLElement;
  readonly #call: CallController;
  readonly #speakers: ActiveSpeakers;
  readonly #freezeDetector: FreezeDetector;
  readonly #focus = element('div', { className: 'focus' });
  readonly #grid = element('div', { className: 'grid' });
  readonly #sharingNotice: HTMLElement;
  readonly #slowStatus = element(
    'p',
    { className: 'status', role: 'status', hidden: true },
    translate('localConnectionSlow'),
  );
  readonly #pager: HTMLElement;
  readonly #pageLabel = element('span', {});
  readonly #localTile: LocalTile;
  readonly #tiles = new Map<string, Tile>();
  #mode: LayoutMode = 'grid';
  #pinned: string | undefined;
  /** As it was last laid out: to measure it at each change would lay the page out each time. */
  #size: Size = { width: 0, height: 0 };
  readonly #resizes = new ResizeObserver(() => {
    this.#size = this.root.getBoundingClientRect();
    this.render();
  });
  #page = 0;
  #pages = 1;
  #activeSpeaker: string | undefined;
  #speaking: ReadonlySet<string> = new Set();

  constructor(call: CallController, alone: HTMLElement) {
    this.#call = call;
    this.#speakers = new ActiveSpeakers(call);
    this.#freezeDetector = new FreezeDetector(() => call.client);
    this.#localTile = new LocalTile();
    // A film that is paused keeps its last picture when its track ends; one that plays turns black.
    call.on('tracksEnding', () => {
      for (const { video } of this.#tiles.values()) video.pause();
    });
    const turn = (by: number, words: string, node: Parameters<typeof icon>[0]) => {
      const button = element(
        'button',
        { type: 'button', className: 'icon-button small', ariaLabel: words, title: words },
        icon(node, 18),
      );
      button.addEventListener('click', () => this.#turnPage(by));
      return button;
    };
    this.#pager = element(
      'nav',
      { className: 'pager', hidden: true },
      turn(-1, translate('previousPage'), ChevronLeft),
      this.#pageLabel,
      turn(1, translate('nextPage'), ChevronRight),
    );
    const stop = element('button', { type: 'button' }, translate('stopShare'));
    stop.addEventListener('click', () => void call.toggleScreen());
    this.#sharingNotice = element(
      'div',
      { className: 'sharing-notice', role: 'status', hidden: true },
      translate('sharingOwnScreen'),
      stop,
    );
    this.root = element(
      'div',
      { className: 'call-layout' },
      this.#focus,
      this.#grid,
      alone,
      this.#localTile.root,
      this.#pager,
      this.#slowStatus,
      this.#sharingNotice,
    );
    this.#resizes.observe(this.root);
  }

  get mode(): LayoutMode {
    return this.#mode;
  }

  setMode(mode: LayoutMode): void {
    this.#mode = mode;
    this.#pinned = undefined;
    this.render();
  }

  /** The picture of the large tile, or else the first of the others that there is: what picture-in-picture shows. */
  get mainVideo(): HTMLVideoElement | undefined {
    const videos = [this.#focus, this.#grid].flatMap((part) => [...part.querySelectorAll('video')]);
    return videos.find(
      (video) => video.readyState >= HTMLMediaElement.HAVE_METADATA && video !== this.#localTile.tile.video,
    );
  }

  /** Makes the stage true to the call. */
  render(): void {
    const { remoteParticipants, localParticipant } = this.#call;
    const people = new Map(remoteParticipants.map((person) => [person.id, person]));
    this.#removeTiles(people);
    for (const person of remoteParticipants) this.#updateTiles(person);
    this.#localTile.update(localParticipant);
    this.root.classList.toggle('alone', remoteParticipants.length === 0);
    this.#sharingNotice.hidden = !localParticipant.screenOn;
    this.#place(remoteParticipants);
    for (const person of remoteParticipants) this.#reportTrackSettings(person);
  }

  /** The stage is not shown any more. */
  close(): void {
    this.#resizes.disconnect();
    this.#removeTiles(new Map());
    this.#localTile.tile.remove();
  }

  /** Rings around who speaks, and the active speaker in view. Called regularly. */
  pollSpeakers(): void {
    const speaking = this.#speakers.poll();
    this.#speaking = speaking;
    for (const [id, tile] of this.#tiles) tile.setSpeaking(speaking.has(id));
    for (const person of this.#call.remoteParticipants) this.#reportTrackSettings(person);
    this.#localTile.tile.setSpeaking(speaking.has('self'));
    const active = this.#speakers.activeSpeaker(speaking, this.#activeSpeaker);
    if (active !== this.#activeSpeaker) {
      this.#activeSpeaker = active;
      this.render();
    }
    this.#updateFrozen();
  }

  /** Says whose connection it is when pictures stand still: ours when all of several do, or the media link is down. */
  #updateFrozen(): void {
    const people = new Map(this.#call.remoteParticipants.map((person) => [person.id, person]));
    const shown = [...this.#tiles].filter(([, { root }]) => root.isConnected && root.classList.contains('playing'));
    const frozen = this.#freezeDetector.frozen(
      shown.map(([id, tile]) => ({
        tile,
        peerId: people.get(ownerOf(id))?.peerId ?? '',
        source: isScreen(id) ? 'screen' : 'camera',
      })),
    );
    const ours = this.#freezeDetector.isOffline || (shown.length > 1 && frozen.size === shown.length);
    for (const [id, tile] of this.#tiles) {
      const { name = '', away = false } = people.get(ownerOf(id)) ?? {};
      if (away) tile.setFrozen(true, translate('participantReconnecting', { name }));
      else tile.setFrozen(frozen.has(tile), ours ? undefined : translate('remoteConnectionSlow', { name }));
    }
    // When it is our own connection, saying so once is enough; that media is lost is said by the status.
    const said = this.#call.phase !== 'joined' || this.#call.mediaLost;
    this.#slowStatus.hidden = !ours || frozen.size === 0 || said;
  }

  /** Tells the server how large somebody's pictures are seen, and that the one who speaks, or is large, matters. */
  #reportTrackSettings({ id, peerId }: Participant): void {
    for (const source of ['camera', 'screen'] as const) {
      const tile = this.#tiles.get(source === 'screen' ? `${SCREEN}${id}` : id);
      // A tile that is not on this page is not seen, whether the browser has looked or not.
      const size = tile?.root.isConnected === false ? { width: 0, height: 0 } : tile?.size;
      if (!tile || !size) continue;
      const matters = tile.root.parentElement === this.#focus || (source === 'camera' && this.#speaking.has(id));
      this.#call.client.updateTrackSettings(peerId, source, { ...size, priority: matters ? 'high' : 'normal' });
    }
  }

  #removeTiles(people: ReadonlyMap<string, Participant>): void {
    for (const [id, tile] of this.#tiles) {
      const owner = people.get(ownerOf(id));
      if (owner && (!isScreen(id) || owner.screenOn)) continue;
      tile.remove();
      this.#tiles.delete(id);
      if (this.#pinned === id) this.#pinned = undefined;
    }
  }

  #updateTiles(person: Participant): void {
    this.#tile(person.id, 'participant').update({
      data: { peerId: person.peerId },
      away: person.away,
      label: person.name,
      name: person.name,
      video: person.camera,
      expectsVideo: person.cameraOn && person.unsupportedCodec.camera === undefined,
      unsupportedCodec: person.unsupportedCodec.camera,
      muted: person.muted,
      handRaised: person.handRaised,
      pinned: this.#pinned === person.id,
    });
    if (!person.screenOn) return;
    const id = `${SCREEN}${person.id}`;
    this.#tile(id, 'screen').update({
      data: { screenOf: person.peerId },
      away: person.away,
      label: translate('screenOf', { name: person.name }),
      name: person.name,
      video: person.screen,
      expectsVideo: person.unsupportedCodec.screen === undefined,
      unsupportedCodec: person.unsupportedCodec.screen,
      muted: false,
      handRaised: false,
      pinned: this.#pinned === id,
    });
  }

  #tile(id: string, kind: 'participant' | 'screen'): Tile {
    const known = this.#tiles.get(id);
    if (known) return known;
    const tile = new Tile({
      kind,
      onPin: () => this.#togglePin(id),
      onSize: () => {
        const owner = this.#call.remoteParticipants.find((person) => person.id === ownerOf(id));
        if (owner) this.#reportTrackSettings(owner);
      },
    });
    this.#tiles.set(id, tile);
    return tile;
  }

  #togglePin(id: string): void {
    this.#pinned = this.#pinned === id ? undefined : id;
    this.render();
  }

  /** Who is large: what was pinned, else the newest screen, else the speaker where that was chosen. */
  #focusedId(others: readonly Participant[]): string | undefined {
    if (this.#pinned !== undefined && this.#tiles.has(this.#pinned)) return this.#pinned;
    const screens = [...this.#tiles.keys()].filter(isScreen);
    if (screens.length > 0) return screens.at(-1);
    if (this.#mode !== 'speaker' || others.length < 2) return undefined;
    const speaker = others.some(({ id }) => id === this.#activeSpeaker) ? this.#activeSpeaker : undefined;
    return speaker ?? others[0]?.id;
  }

  #place(others: readonly Participant[]): void {
    const large = this.#focusedId(others);
    const ids = [...this.#tiles.keys()].filter((id) => id !== large);
    const { width, height } = this.#size;
    const beside = large !== undefined && width > height;
    const area = (pagerHeight: number): Size => {
      if (large === undefined) return { width, height: height - pagerHeight };
      return beside ? { width: STRIP.wide, height: height - pagerHeight } : { width, height: STRIP.tall };
    };
    const least = large === undefined ? undefined : beside ? STRIP.leastBeside : STRIP.leastAbove;
    // In a corner one would hide somebody as soon as the tiles are small: then one is a tile like everyone.
    const ownTile = others.length > 2 || (large !== undefined && others.length > 0);
    const places = (pagerHeight: number) =>
      Math.max(1, tilesPerPage(area(pagerHeight), GAP, MAX_TILES, least) - (ownTile ? 1 : 0));
    const paged = ids.length > places(0);
    const size = places(paged ? PAGER_HEIGHT : 0);
    this.root.classList.toggle('with-focus', large !== undefined);
    this.root.classList.toggle('beside', beside);
    this.root.classList.toggle('paged', paged);
    this.#pages = Math.max(1, Math.ceil(ids.length / size));
    this.#page = Math.min(this.#page, this.#pages - 1);
    const shown = pageOf(ids, this.#page, size, this.#activeSpeaker);
    const tiles = (list: readonly string[]) => list.flatMap((id) => this.#tiles.get(id)?.root ?? []);
    const count = shown.length + (ownTile ? 1 : 0);
    reconcileChildren(this.#focus, tiles(large === undefined ? [] : [large]));
    reconcileChildren(this.#grid, [...tiles(shown), ...(ownTile ? [this.#localTile.root] : [])]);
    if (!ownTile && this.#localTile.root.parentElement !== this.root) this.#pager.before(this.#localTile.root);
    this.#localTile.root.classList.toggle('floating', !ownTile && others.length > 0);
    this.#localTile.tile.resume();
    if (this.#call.phase === 'joined') {
      for (const id of large === undefined ? shown : [...shown, large]) this.#tiles.get(id)?.resume();
    }
    this.#grid.hidden = count === 0;
    const { columns, tile, last } = largestGrid(count, area(paged ? PAGER_HEIGHT : 0), {
      gap: GAP,
      maxAspect: ASPECT,
      // In the strip a face needs its width more than the strip needs to be full.
      ...(large !== undefined && { minAspect: ASPECT }),
    });
    this.#grid.style.setProperty('--columns', String(columns));
    this.#grid.style.setProperty('--tile-width', `${tile.width}px`);
    this.#grid.style.setProperty('--tile-height', `${tile.height}px`);
    this.#grid.style.setProperty('--last-width', `${last.width}px`);
    [...this.#grid.children].forEach((child, index) => {
      child.classList.toggle('last-row', index >= count - last.count);
    });
    this.#pager.hidden = this.#pages < 2;
    this.#pageLabel.textContent = translate('page', { page: this.#page + 1, pages: this.#pages });
  }

  #turnPage(by: number): void {
    this.#page = (this.#page + by + this.#pages) % this.#pages;
    this.render();
    announce(translate('page', { page: this.#page + 1, pages: this.#pages }));
  }
}

/** Whose tile it is. */
function ownerOf(id: string): string {
  return isScreen(id) ? id.slice(SCREEN.length) : id;
}

function isScreen(id: string): boolean {
  return id.startsWith(SCREEN);
}
