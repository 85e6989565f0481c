/** Owns the stage: which tiles there are, which are large, which are on this page, and where they stand. */
import { ChevronLeft, ChevronRight } from 'lucide';
import { ActiveSpeakers } from '../common/ActiveSpeakers.ts';
import { announce, element, icon, reconcileChildren } from '../common/dom.ts';
import { FreezeDetector } from '../common/FreezeDetector.ts';
import { Tile } from '../common/Tile.ts';
import { translate } from '../locales/index.ts';
import type { CallController } from '../participation/CallController.ts';
import type { Person } from '../participation/Person.ts';
import { GAP, largestGrid, MOST_TILES, pageOf, type Size, tilesAPage } from './layout.ts';
import { OwnTile } from './OwnTile.ts';

export type LayoutMode = 'grid' | 'speaker';

/** The tile of a person has the person's id; that of their screen has this before it. */
const SCREEN = 'screen:';
const ASPECT = 16 / 9;
/** The strip beside or above a large tile: its width or height, and the least size of its tiles, in CSS pixels. */
const STRIP = { wide: 220, tall: 72, leastBeside: { width: 180, height: 101 }, leastAbove: { width: 112, height: 63 } };
/** What the page turner takes below the tiles. */
const PAGER_HEIGHT = 56;

export class Stage {
  readonly root: HTMLElement;
  readonly #session: CallController;
  readonly #speakers: ActiveSpeakers;
  readonly #freezeCount: FreezeDetector;
  readonly #large = element('div', { className: 'large' });
  readonly #grid = element('div', { className: 'grid' });
  readonly #sharing: HTMLElement;
  readonly #slow = element('p', { className: 'status', role: 'status', hidden: true }, translate('frozenYours'));
  readonly #pager: HTMLElement;
  readonly #pageLabel = element('span', {});
  readonly #own: OwnTile;
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

  constructor(session: CallController, alone: HTMLElement) {
    this.#session = session;
    this.#speakers = new ActiveSpeakers(session);
    this.#freezeCount = new FreezeDetector(() => session.client);
    this.#own = new OwnTile();
    // A film that is paused keeps its last picture when its track ends; one that plays turns black.
    session.on('losing', () => {
      for (const { video } of this.#tiles.values()) video.pause();
    });
    const turn = (by: number, words: string, node: Parameters<typeof icon>[0]) => {
      const button = element(
        'button',
        { type: 'button', className: 'round small', ariaLabel: words, title: words },
        icon(node, 18),
      );
      button.addEventListener('click', () => this.#turn(by));
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
    stop.addEventListener('click', () => void session.toggleScreen());
    this.#sharing = element('div', { className: 'sharing', role: 'status', hidden: true }, translate('youShare'), stop);
    this.root = element(
      'div',
      { className: 'stage' },
      this.#large,
      this.#grid,
      alone,
      this.#own.root,
      this.#pager,
      this.#slow,
      this.#sharing,
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
    const videos = [this.#large, this.#grid].flatMap((part) => [...part.querySelectorAll('video')]);
    return videos.find((video) => video.readyState >= HTMLMediaElement.HAVE_METADATA && video !== this.#own.tile.video);
  }

  /** Makes the stage true to the session. */
  render(): void {
    const { others, self } = this.#session;
    const people = new Map(others.map((person) => [person.id, person]));
    this.#drop(people);
    for (const person of others) this.#show(person);
    this.#own.show(self);
    this.root.classList.toggle('alone', others.length === 0);
    this.#sharing.hidden = !self.screenOn;
    this.#place(others);
    for (const person of others) this.#report(person);
  }

  /** The stage is not shown any more. */
  close(): void {
    this.#resizes.disconnect();
    this.#drop(new Map());
    this.#own.tile.remove();
  }

  /** Rings around who speaks, and the active speaker in view. Called regularly. */
  hear(): void {
    const speaking = this.#speakers.listen();
    this.#speaking = speaking;
    for (const [id, tile] of this.#tiles) tile.setSpeaking(speaking.has(id));
    for (const person of this.#session.others) this.#report(person);
    this.#own.tile.setSpeaking(speaking.has('self'));
    const active = this.#speakers.active(speaking, this.#activeSpeaker);
    if (active !== this.#activeSpeaker) {
      this.#activeSpeaker = active;
      this.render();
    }
    this.#judgeFrozen();
  }

  /** Says whose connection it is when pictures stand still: ours when all of several do, or the media link is down. */
  #judgeFrozen(): void {
    const people = new Map(this.#session.others.map((person) => [person.id, person]));
    const shown = [...this.#tiles].filter(([, { root }]) => root.isConnected && root.classList.contains('live'));
    const frozen = this.#freezeCount.frozen(
      shown.map(([id, tile]) => ({
        tile,
        peerId: people.get(ownerOf(id))?.peerId ?? '',
        source: isScreen(id) ? 'screen' : 'camera',
      })),
    );
    const ours = this.#freezeCount.isOffline || (shown.length > 1 && frozen.size === shown.length);
    for (const [id, tile] of this.#tiles) {
      const { name = '', away = false } = people.get(ownerOf(id)) ?? {};
      if (away) tile.setSlow(true, translate('awayTheirs', { name }));
      else tile.setSlow(frozen.has(tile), ours ? undefined : translate('frozenTheirs', { name }));
    }
    // When it is our own connection, saying so once is enough; that media is lost is said by the status.
    const said = this.#session.phase !== 'in' || this.#session.mediaLost;
    this.#slow.hidden = !ours || frozen.size === 0 || said;
  }

  /** Tells the server how large somebody's pictures are seen, and that the one who speaks, or is large, matters. */
  #report({ id, peerId }: Person): void {
    for (const source of ['camera', 'screen'] as const) {
      const tile = this.#tiles.get(source === 'screen' ? `${SCREEN}${id}` : id);
      // A tile that is not on this page is not seen, whether the browser has looked or not.
      const size = tile?.root.isConnected === false ? { width: 0, height: 0 } : tile?.size;
      if (!tile || !size) continue;
      const matters = tile.root.parentElement === this.#large || (source === 'camera' && this.#speaking.has(id));
      this.#session.client.updateTrackSettings(peerId, source, { ...size, priority: matters ? 'high' : 'normal' });
    }
  }

  #drop(people: ReadonlyMap<string, Person>): void {
    for (const [id, tile] of this.#tiles) {
      const owner = people.get(ownerOf(id));
      if (owner && (!isScreen(id) || owner.screenOn)) continue;
      tile.remove();
      this.#tiles.delete(id);
      if (this.#pinned === id) this.#pinned = undefined;
    }
  }

  #show(person: Person): void {
    this.#tile(person.id, 'person').show({
      data: { peerId: person.peerId },
      away: person.away,
      label: person.name,
      name: person.name,
      video: person.camera,
      expectsVideo: person.cameraOn && person.unsupportedCodec.camera === undefined,
      unsupportedCodec: person.unsupportedCodec.camera,
      muted: person.muted,
      hand: person.hand,
      pinned: this.#pinned === person.id,
    });
    if (!person.screenOn) return;
    const id = `${SCREEN}${person.id}`;
    this.#tile(id, 'screen').show({
      data: { screenOf: person.peerId },
      away: person.away,
      label: translate('screenOf', { name: person.name }),
      name: person.name,
      video: person.screen,
      expectsVideo: person.unsupportedCodec.screen === undefined,
      unsupportedCodec: person.unsupportedCodec.screen,
      muted: false,
      hand: false,
      pinned: this.#pinned === id,
    });
  }

  #tile(id: string, kind: 'person' | 'screen'): Tile {
    const known = this.#tiles.get(id);
    if (known) return known;
    const tile = new Tile({
      kind,
      onPin: () => this.#togglePin(id),
      onSize: () => {
        const owner = this.#session.others.find((person) => person.id === ownerOf(id));
        if (owner) this.#report(owner);
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
  #largeId(others: readonly Person[]): string | undefined {
    if (this.#pinned !== undefined && this.#tiles.has(this.#pinned)) return this.#pinned;
    const screens = [...this.#tiles.keys()].filter(isScreen);
    if (screens.length > 0) return screens.at(-1);
    if (this.#mode !== 'speaker' || others.length < 2) return undefined;
    const speaker = others.some(({ id }) => id === this.#activeSpeaker) ? this.#activeSpeaker : undefined;
    return speaker ?? others[0]?.id;
  }

  #place(others: readonly Person[]): void {
    const large = this.#largeId(others);
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
      Math.max(1, tilesAPage(area(pagerHeight), GAP, MOST_TILES, least) - (ownTile ? 1 : 0));
    const paged = ids.length > places(0);
    const size = places(paged ? PAGER_HEIGHT : 0);
    this.root.classList.toggle('with-large', large !== undefined);
    this.root.classList.toggle('beside', beside);
    this.root.classList.toggle('paged', paged);
    this.#pages = Math.max(1, Math.ceil(ids.length / size));
    this.#page = Math.min(this.#page, this.#pages - 1);
    const shown = pageOf(ids, this.#page, size, this.#activeSpeaker);
    const tiles = (list: readonly string[]) => list.flatMap((id) => this.#tiles.get(id)?.root ?? []);
    const count = shown.length + (ownTile ? 1 : 0);
    reconcileChildren(this.#large, tiles(large === undefined ? [] : [large]));
    reconcileChildren(this.#grid, [...tiles(shown), ...(ownTile ? [this.#own.root] : [])]);
    if (!ownTile && this.#own.root.parentElement !== this.root) this.#pager.before(this.#own.root);
    this.#own.root.classList.toggle('floating', !ownTile && others.length > 0);
    this.#own.tile.resume();
    if (this.#session.phase === 'in') {
      for (const id of large === undefined ? shown : [...shown, large]) this.#tiles.get(id)?.resume();
    }
    this.#grid.hidden = count === 0;
    const { columns, tile, last } = largestGrid(count, area(paged ? PAGER_HEIGHT : 0), {
      gap: GAP,
      widest: ASPECT,
      // In the strip a face needs its width more than the strip needs to be full.
      ...(large !== undefined && { tallest: ASPECT }),
    });
    this.#grid.style.setProperty('--columns', String(columns));
    this.#grid.style.setProperty('--tile-width', `${tile.width}px`);
    this.#grid.style.setProperty('--tile-height', `${tile.height}px`);
    this.#grid.style.setProperty('--last-width', `${last.width}px`);
    [...this.#grid.children].forEach((child, index) => {
      child.classList.toggle('last', index >= count - last.count);
    });
    this.#pager.hidden = this.#pages < 2;
    this.#pageLabel.textContent = translate('page', { page: this.#page + 1, pages: this.#pages });
  }

  #turn(by: number): void {
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
