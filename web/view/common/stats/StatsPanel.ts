/** The statistics panel of a call: how each transport is connected, and the figures of each participant's tracks. */
import { X } from 'lucide';
import {
  type ConnectionStats,
  type ConsumerLayers,
  type RoomClient,
  TrackRateMeter,
  type TrackRates,
  type TrackStats,
} from '../../../client/index.ts';
import type { CallController } from '../../controller/CallController.ts';
import { translate } from '../../locales/index.ts';
import { translateStats } from '../../locales/stats.ts';
import { smallIconButton } from '../buttons.ts';
import { element, reconcileChildren, setText } from '../dom.ts';
import { downloadLogButton } from '../downloadLog.ts';
import { qualityText } from '../qualityText.ts';
import { connectionFigures, type Figure, signallingFigures, trackFigures } from './figures.ts';

/** How often the figures are updated, in milliseconds. */
const INTERVAL = 2000;
/** How soon the first rates are there, in milliseconds. */
const FIRST_INTERVAL = 500;

/** What the panel shows under one heading. */
interface Group {
  readonly key: string;
  readonly title: string;
  /** Whose connection is bad, if one is. */
  readonly notice?: string | undefined;
  readonly rows: readonly { readonly key: string; readonly title: string; readonly figures: readonly Figure[] }[];
}

export class StatsPanel {
  readonly root: HTMLElement;
  readonly #call: CallController;
  readonly #onClose: () => void;
  readonly #groups = element('div', { className: 'stats-groups', tabIndex: 0, role: 'group' });
  readonly #notice = element('p', { className: 'secondary' }, translateStats('statsLoading'));
  readonly #elements = new Map<string, HTMLElement>();
  readonly #meter = new TrackRateMeter();
  readonly #close = smallIconButton(translate('close'), X);
  #client: RoomClient | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(call: CallController, onClose: () => void) {
    this.#call = call;
    this.#onClose = onClose;
    this.#groups.ariaLabel = translateStats('statsTitle');
    const addresses = element('input', { type: 'checkbox' });
    this.#close.addEventListener('click', () => this.close());
    this.root = element(
      'aside',
      { className: 'stats-panel', ariaLabel: translateStats('statsTitle') },
      element('header', {}, element('h2', {}, translateStats('statsTitle')), this.#close),
      this.#notice,
      this.#groups,
      element(
        'footer',
        {},
        element('p', { className: 'secondary' }, translateStats('statsLogHint')),
        element('label', {}, addresses, translateStats('keepAddresses')),
        downloadLogButton(() => addresses.checked),
      ),
    );
    this.root.addEventListener('keydown', (event) => event.key === 'Escape' && this.close());
    void this.#poll(FIRST_INTERVAL);
  }

  focus(): void {
    this.#close.focus();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.root.remove();
    this.#onClose();
  }

  async #poll(next = INTERVAL): Promise<void> {
    const { client } = this.#call;
    // After a rejoin the counters start from zero.
    if (client !== this.#client) this.#meter.reset();
    this.#client = client;
    const [{ tracks, at }, connections, layers] = await Promise.all([
      // Rates are over the time between samples: the server's reply, which takes longer, has no part in it.
      client
        .getStats()
        .catch(() => [])
        .then((tracks) => ({ tracks, at: performance.now() })),
      client.getConnectionStats().catch(() => []),
      this.#layers(client),
    ]);
    if (this.#closed) return;
    this.#timer = setTimeout(() => void this.#poll(), next);
    if (client !== this.#call.client || document.hidden) return;
    const rates = this.#meter.add(tracks, at);
    const ownConnection = {
      key: 'connection',
      title: translateStats('yourConnection'),
      rows: [
        ...connections
          // A direct connection is one for both directions.
          .filter(({ peerId, direction }) => peerId === undefined || direction === 'send')
          .map((connection) => ({
            key: `${connection.direction} ${connection.peerId ?? ''}`,
            title: this.#titleOf(connection),
            figures: connectionFigures(connection),
          })),
        { key: 'signalling', title: translateStats('signalling'), figures: signallingFigures(client.signallingKind) },
      ],
    };
    this.#render([ownConnection, ...this.#participants(tracks, rates, layers)].filter(({ rows }) => rows.length > 0));
    this.#notice.hidden = connections.length + tracks.length > 0;
    setText(this.#notice, translateStats('statsNothing'));
  }

  /** Without an answer from the server, as while signalling reconnects, the panel goes on without layers. */
  async #layers(client: RoomClient): Promise<readonly ConsumerLayers[]> {
    if (client.reconnecting) return [];
    const late = new Promise<[]>((resolve) => setTimeout(() => resolve([]), INTERVAL));
    return Promise.race([client.getConsumerLayers().catch(() => []), late]);
  }

  /** The tracks by participant: our own first, those of audio slots with whoever speaks. */
  #participants(
    tracks: readonly TrackStats[],
    rates: TrackRates | undefined,
    layers: readonly ConsumerLayers[],
  ): Group[] {
    const { client, localParticipant, remoteParticipants } = this.#call;
    const ownerOf = ({ direction, peerId, slot }: TrackStats) =>
      direction === 'send' ? '' : (peerId ?? client.audioSlots[slot ?? -1]);
    const layersOf = ({ peerId, source }: TrackStats) =>
      layers.find((video) => video.peerId === peerId && video.source === source);
    const group = (key: string, title: string, own: readonly TrackStats[], notice: string | undefined): Group => ({
      key,
      title,
      notice,
      rows: own.map((track) => ({
        key: `${track.source} ${track.slot ?? ''} ${track.toPeerId ?? ''}`,
        title: [translateStats(track.source), track.toPeerId && this.#nameOf(track.toPeerId)]
          .filter(Boolean)
          .join(' → '),
        figures: trackFigures(track, rates, layersOf(track)),
      })),
    });
    return [localParticipant, ...remoteParticipants].map(({ id, peerId, isLocal, name }) =>
      group(
        id,
        isLocal ? translate('you') : name,
        tracks.filter((track) => ownerOf(track) === peerId),
        qualityText(client.connectionQuality(isLocal ? undefined : peerId), name),
      ),
    );
  }

  #titleOf({ peerId, direction }: ConnectionStats): string {
    if (peerId !== undefined) return translateStats('directTo', { name: this.#nameOf(peerId) });
    return translateStats(direction === 'send' ? 'sending' : 'receiving');
  }

  #nameOf(peerId: string): string {
    return this.#call.remoteParticipants.find((one) => one.peerId === peerId)?.name ?? '';
  }

  #render(groups: readonly Group[]): void {
    const used = new Set<string>();
    const take = (key: string, create: () => HTMLElement): HTMLElement => {
      used.add(key);
      const known = this.#elements.get(key);
      if (known) return known;
      const made = create();
      this.#elements.set(key, made);
      return made;
    };
    const sections = groups.map(({ key, title, notice, rows }) => {
      const heading = take(`${key} heading`, () => element('h3', {}));
      setText(heading, title);
      const warning = take(`${key} notice`, () => element('p', { className: 'stats-notice' }));
      setText(warning, notice ?? '');
      warning.hidden = notice === undefined;
      const blocks = rows.map((row) => {
        const path = `${key} ${row.key}`;
        const label = take(`${path} heading`, () => element('h4', {}));
        setText(label, row.title);
        const list = take(`${path} list`, () => element('dl', {}));
        const figures = row.figures.map(({ label: term, value }) => {
          const entry = take(`${path} ${term}`, () => element('div', {}, element('dt', {}, term), element('dd', {})));
          if (entry.lastElementChild) setText(entry.lastElementChild, value);
          return entry;
        });
        reconcileChildren(list, figures);
        const block = take(`${path} block`, () => element('div', { className: 'stats-track' }, label, list));
        return block;
      });
      const section = take(`${key} section`, () => element('section', {}));
      reconcileChildren(section, [heading, warning, ...blocks]);
      return section;
    });
    reconcileChildren(this.#groups, sections);
    for (const key of this.#elements.keys()) if (!used.has(key)) this.#elements.delete(key);
  }
}
