/** The tiles of a call: which there are, which is focused, which are on the current page, and where they stand. */
import { ActiveSpeakers } from '../common/ActiveSpeakers.ts';
import { element, reconcileChildren } from '../common/dom.ts';
import { FreezeDetector } from '../common/FreezeDetector.ts';
import { GAP, largestGrid, pageOf, type Size } from '../common/gridLayout.ts';
import { keepFocus } from '../common/keepFocus.ts';
import { Tile } from '../common/Tile.ts';
import { isScreenKey, participantOf, tileKey } from '../common/tileKey.ts';
import { tileState } from '../common/tileState.ts';
import type { CallController } from '../controller/CallController.ts';
import type { Participant } from '../controller/Participant.ts';
import { translate } from '../locales/index.ts';
import { administration } from '../moderation/loadModeration.ts';
import { personMenu } from '../moderation/personMenu.ts';
import { LocalTile } from './LocalTile.ts';
import { Pager } from './Pager.ts';
import { pageLayout } from './pageLayout.ts';

export type LayoutMode = 'grid' | 'speaker';

const ASPECT = 16 / 9;

export class CallLayout {
  readonly root: HTMLElement;
  readonly #call: CallController;
  readonly #speakers: ActiveSpeakers;
  readonly #freezeDetector: FreezeDetector;
  readonly #focus = element('div', { className: 'focus' });
  readonly #grid = element('div', { className: 'grid' });
  readonly #sharingNotice: HTMLElement;
  readonly #offlineStatus = element(
    'p',
    { className: 'status', role: 'status', hidden: true },
    translate('localOffline'),
  );
  readonly #pager = new Pager(() => this.render());
  readonly #localTile = new LocalTile();
  /** The tiles of the remote participants, by `tileKey`. */
  readonly #tiles = new Map<string, Tile>();
  #mode: LayoutMode = 'grid';
  #pinned: string | undefined;
  /** Kept from the last resize: measuring at each change would force a layout each time. */
  #size: Size = { width: 0, height: 0 };
  readonly #resizes = new ResizeObserver(() => {
    this.#size = this.root.getBoundingClientRect();
    this.render();
  });
  #activeSpeaker: string | undefined;
  #speaking: ReadonlySet<string> = new Set();

  /** @param alone what is shown while nobody else is in the call */
  constructor(call: CallController, alone: HTMLElement) {
    this.#call = call;
    this.#speakers = new ActiveSpeakers(call);
    this.#freezeDetector = new FreezeDetector(() => call.client);
    // A paused video keeps its last frame when its track ends; a playing one turns black.
    call.on('tracksEnding', () => {
      for (const { video } of this.#tiles.values()) video.pause();
    });
    const stop = element('button', { type: 'button' }, translate('stopShare'));
    stop.addEventListener('click', () => void call.sources.toggleScreen());
    this.#sharingNotice = element(
      'div',
      { className: 'sharing-notice', role: 'status', hidden: true },
      translate('youShare'),
      stop,
    );
    this.root = element(
      'div',
      { className: 'call-layout' },
      this.#focus,
      this.#grid,
      alone,
      this.#localTile.root,
      this.#pager.root,
      this.#offlineStatus,
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

  /** The video for picture-in-picture: the focused one, or else the first remote one that plays. */
  get mainVideo(): HTMLVideoElement | undefined {
    const videos = [this.#focus, this.#grid].flatMap((part) => [...part.querySelectorAll('video')]);
    return videos.find(
      (video) => video.readyState >= HTMLMediaElement.HAVE_METADATA && video !== this.#localTile.tile.video,
    );
  }

  /** Makes the tiles match the call. */
  render(): void {
    const { remoteParticipants, localParticipant } = this.#call;
    const participants = new Map(remoteParticipants.map((participant) => [participant.id, participant]));
    keepFocus(this.root, () => {
      this.#removeTiles(participants);
      for (const participant of remoteParticipants) this.#updateTiles(participant);
      this.#localTile.update(localParticipant);
      this.root.classList.toggle('alone', remoteParticipants.length === 0);
      this.#sharingNotice.hidden = !localParticipant.screenOn;
      this.#arrange(remoteParticipants);
    });
    for (const participant of remoteParticipants) this.#reportTrackSettings(participant);
  }

  close(): void {
    this.#resizes.disconnect();
    this.#removeTiles(new Map());
    this.#localTile.tile.remove();
  }

  /** Updates who is speaking, who is the active speaker, and which videos are frozen. To be called regularly. */
  pollSpeakers(): void {
    const speaking = this.#speakers.poll();
    this.#speaking = speaking;
    for (const [key, tile] of this.#tiles) tile.setSpeaking(speaking.has(key));
    for (const participant of this.#call.remoteParticipants) this.#reportTrackSettings(participant);
    this.#localTile.tile.setSpeaking(speaking.has('self'));
    const active = this.#speakers.activeSpeaker(speaking, this.#activeSpeaker);
    if (active !== this.#activeSpeaker) {
      this.#activeSpeaker = active;
      this.render();
    }
    this.#updateFrozen();
  }

  /** Dims what is frozen, and marks the tiles whose connection is bad with the words whose it is. */
  #updateFrozen(): void {
    const { client } = this.#call;
    const participants = new Map(this.#call.remoteParticipants.map((participant) => [participant.id, participant]));
    const playing = [...this.#tiles].filter(([, { root }]) => root.isConnected && root.classList.contains('playing'));
    const frozen = this.#freezeDetector.frozen(
      playing.map(([key, tile]) => ({
        tile,
        peerId: participants.get(participantOf(key))?.peerId ?? '',
        source: isScreenKey(key) ? 'screen' : 'camera',
      })),
    );
    const { isOffline } = this.#freezeDetector;
    for (const [key, tile] of this.#tiles) {
      const { name = '', peerId = '', away = false } = participants.get(participantOf(key)) ?? {};
      tile.setQuality(away ? 'good' : client.connectionQuality(peerId), name);
      if (away) tile.setFrozen(true, translate('remoteReconnecting', { name }));
      else tile.setFrozen(frozen.has(tile), isOffline ? undefined : translate('videoStopped'));
    }
    this.#localTile.tile.setQuality(client.connectionQuality());
    // One notice is enough for all tiles; while the connection is lost, the status of the call says more.
    const isConnectionLost = this.#call.phase !== 'joined' || this.#call.mediaLost;
    this.#offlineStatus.hidden = !isOffline || frozen.size === 0 || isConnectionLost;
  }

  /** Reports to the server in which size a participant's tiles are visible; speakers and the focused tile have priority. */
  #reportTrackSettings({ id, peerId }: Participant): void {
    for (const source of ['camera', 'screen'] as const) {
      const tile = this.#tiles.get(tileKey(id, source));
      // A tile on another page is not visible, even before its observer has measured it.
      const size = tile?.root.isConnected === false ? { width: 0, height: 0 } : tile?.size;
      if (!tile || !size) continue;
      const hasPriority = tile.root.parentElement === this.#focus || (source === 'camera' && this.#speaking.has(id));
      this.#call.client.updateTrackSettings(peerId, source, { ...size, priority: hasPriority ? 'high' : 'normal' });
    }
  }

  #removeTiles(participants: ReadonlyMap<string, Participant>): void {
    for (const [key, tile] of this.#tiles) {
      const participant = participants.get(participantOf(key));
      if (participant && (!isScreenKey(key) || participant.screenOn)) continue;
      tile.remove();
      this.#tiles.delete(key);
      if (this.#pinned === key) this.#pinned = undefined;
    }
  }

  #updateTiles(participant: Participant): void {
    for (const source of ['camera', 'screen'] as const) {
      if (source === 'screen' && !participant.screenOn) continue;
      const key = tileKey(participant.id, source);
      const menuLabel = administration(this.#call) && translate('handMore', { name: participant.name });
      this.#tile(key).update({ ...tileState(participant, source), pinned: this.#pinned === key, menuLabel });
    }
  }

  /** The tile of a key; created where there is none yet. */
  #tile(key: string): Tile {
    const known = this.#tiles.get(key);
    if (known) return known;
    const tile = new Tile({
      kind: isScreenKey(key) ? 'screen' : 'participant',
      onPin: () => this.#togglePin(key),
      menu: (button) =>
        personMenu({
          ...{ call: this.#call, button, root: this.root },
          participant: () => this.#call.remoteParticipants.find(({ id }) => id === participantOf(key)),
        }),
      onSize: () => {
        const participant = this.#call.remoteParticipants.find(({ id }) => id === participantOf(key));
        if (participant) this.#reportTrackSettings(participant);
      },
    });
    this.#tiles.set(key, tile);
    return tile;
  }

  #togglePin(key: string): void {
    this.#pinned = this.#pinned === key ? undefined : key;
    this.render();
  }

  /** The key of the focused tile: the pinned one, else the newest screen, else in speaker mode the active speaker. */
  #focusedKey(participants: readonly Participant[]): string | undefined {
    if (this.#pinned !== undefined && this.#tiles.has(this.#pinned)) return this.#pinned;
    const screens = [...this.#tiles.keys()].filter(isScreenKey);
    if (screens.length > 0) return screens.at(-1);
    if (this.#mode !== 'speaker' || participants.length < 2) return undefined;
    const speaker = participants.find(({ id }) => id === this.#activeSpeaker);
    return (speaker ?? participants[0])?.id;
  }

  /** Puts the tiles of the current page into the grid, and the focused one beside or below it. */
  #arrange(participants: readonly Participant[]): void {
    const focused = this.#focusedKey(participants);
    const keys = [...this.#tiles.keys()].filter((key) => key !== focused);
    // Beside small tiles a floating local tile would cover somebody.
    const localInGrid = participants.length > 2 || (focused !== undefined && participants.length > 0);
    const { beside, paged, pages, pageSize, area } = pageLayout({
      size: this.#size,
      tileCount: keys.length,
      focused: focused !== undefined,
      localInGrid,
    });
    this.root.classList.toggle('with-focus', focused !== undefined);
    this.root.classList.toggle('beside', beside);
    this.root.classList.toggle('paged', paged);
    this.#pager.setPages(pages);
    const visible = pageOf(keys, this.#pager.page, pageSize, this.#activeSpeaker);
    const roots = (list: readonly string[]) => list.flatMap((key) => this.#tiles.get(key)?.root ?? []);
    const focusedKeys = focused === undefined ? [] : [focused];
    reconcileChildren(this.#focus, roots(focusedKeys));
    reconcileChildren(this.#grid, [...roots(visible), ...(localInGrid ? [this.#localTile.root] : [])]);
    const local = this.#localTile.root;
    if (!localInGrid && local.parentElement !== this.root) this.#pager.root.before(local);
    local.classList.toggle('floating', !localInGrid && participants.length > 0);
    this.#localTile.tile.resume();
    if (this.#call.phase === 'joined') for (const key of [...visible, ...focusedKeys]) this.#tiles.get(key)?.resume();
    this.#sizeGrid(visible.length + (localInGrid ? 1 : 0), area, focused !== undefined);
  }

  /** Sizes the tiles of the grid. @param isStrip whether the grid is the strip beside a focused tile */
  #sizeGrid(count: number, area: Size, isStrip: boolean): void {
    this.#grid.hidden = count === 0;
    const { columns, tile, last } = largestGrid(count, area, {
      gap: GAP,
      maxAspect: ASPECT,
      // In the strip, wide tiles show more of a face than tiles that fill the strip.
      ...(isStrip && { minAspect: ASPECT }),
    });
    this.#grid.style.setProperty('--columns', String(columns));
    this.#grid.style.setProperty('--tile-width', `${tile.width}px`);
    this.#grid.style.setProperty('--tile-height', `${tile.height}px`);
    this.#grid.style.setProperty('--last-width', `${last.width}px`);
    [...this.#grid.children].forEach((child, index) => {
      child.classList.toggle('last-row', index >= count - last.count);
    });
  }
}
