/** The stage in the studio: the remote participants on it, with their tiles and a button that removes each from it. */
import { Ellipsis, LogOut } from 'lucide';
import { ActiveSpeakers } from '../../common/ActiveSpeakers.ts';
import { smallIconButton } from '../../common/buttons.ts';
import { element, icon, reconcileChildren } from '../../common/dom.ts';
import { FreezeDetector } from '../../common/FreezeDetector.ts';
import { keepFocus } from '../../common/keepFocus.ts';
import { Tile } from '../../common/Tile.ts';
import { tileState } from '../../common/tileState.ts';
import type { Participant } from '../../controller/Participant.ts';
import { translate } from '../../locales/index.ts';
import { administration } from '../../moderation/loadModeration.ts';
import { personMenu } from '../../moderation/personMenu.ts';
import type { BroadcastController } from '../BroadcastController.ts';

const sources = ['camera', 'screen'] as const;
type VideoSource = (typeof sources)[number];

interface StageEntry {
  readonly root: HTMLElement;
  readonly tiles: Map<VideoSource, Tile>;
  readonly removeButton: HTMLButtonElement;
  readonly moreButton: HTMLButtonElement;
  participant: Participant;
}

export class StagePanel {
  readonly root: HTMLElement;
  readonly #broadcast: BroadcastController;
  readonly #speakers: ActiveSpeakers;
  readonly #freezeDetector: FreezeDetector;
  readonly #heading = element('h2', { tabIndex: -1 }, translate('stageTitle'));
  readonly #title = element('span', { className: 'secondary' });
  readonly #nobody = element('p', { className: 'secondary' }, translate('stageOnlyYou'));
  readonly #list = element('ul', { className: 'studio-stage' });
  readonly #entries = new Map<string, StageEntry>();

  constructor(broadcast: BroadcastController) {
    this.#broadcast = broadcast;
    this.#speakers = new ActiveSpeakers(broadcast.call);
    this.#freezeDetector = new FreezeDetector(() => broadcast.call.client);
    this.root = element(
      'section',
      { className: 'studio-panel', ariaLabel: translate('stageTitle') },
      element('header', {}, this.#heading, this.#title),
      this.#nobody,
      this.#list,
    );
  }

  render(): void {
    const participants = this.#broadcast.stageParticipants;
    keepFocus(
      this.#list,
      () => this.#renderEntries(participants),
      () => this.#heading.focus(),
    );
    this.#nobody.hidden = participants.length > 0;
    this.#title.textContent = participants.length > 0 ? translate('stageCount', { count: participants.length }) : '';
  }

  close(): void {
    for (const { tiles } of this.#entries.values()) for (const tile of tiles.values()) tile.remove();
    this.#entries.clear();
  }

  /** Updates who is speaking and which videos are frozen. To be called regularly. */
  pollSpeakers(): void {
    const speaking = this.#speakers.poll();
    const entries = [...this.#entries.values()];
    const frozen = this.#freezeDetector.frozen(
      entries.flatMap(({ tiles, participant: { peerId } }) =>
        [...tiles].map(([source, tile]) => ({ tile, peerId, source })),
      ),
    );
    for (const [id, { tiles, participant }] of this.#entries) {
      tiles.get('camera')?.setSpeaking(speaking.has(id));
      const { away, name, peerId } = participant;
      const quality = this.#broadcast.call.client.connectionQuality(peerId);
      for (const tile of tiles.values()) {
        tile.setQuality(away ? 'good' : quality, name);
        if (away) tile.setFrozen(true, translate('remoteReconnecting', { name }));
        else tile.setFrozen(frozen.has(tile), translate('videoStopped'));
      }
    }
  }

  #renderEntries(participants: readonly Participant[]): void {
    const present = new Set(participants.map(({ id }) => id));
    for (const [id, { tiles }] of this.#entries) {
      if (present.has(id)) continue;
      for (const tile of tiles.values()) tile.remove();
      this.#entries.delete(id);
    }
    const entries = participants.map((participant) => this.#updateEntry(participant));
    reconcileChildren(this.#list, entries);
  }

  #updateEntry(participant: Participant): HTMLElement {
    const entry = this.#entries.get(participant.id) ?? this.#addEntry(participant);
    entry.participant = participant;
    for (const source of sources) this.#updateTile(entry, source);
    const { isAdmin } = this.#broadcast.call;
    entry.removeButton.hidden = !isAdmin;
    // What is read out names the participant; it begins with what is seen.
    entry.removeButton.ariaLabel = `${translate('offStage')}: ${participant.name}`;
    entry.removeButton.title = translate('offStageName', { name: participant.name });
    entry.moreButton.hidden = !administration(this.#broadcast.call);
    entry.moreButton.ariaLabel = entry.moreButton.title = translate('handMore', { name: participant.name });
    return entry.root;
  }

  #addEntry(participant: Participant): StageEntry {
    const removeButton = element(
      'button',
      { type: 'button', className: 'small' },
      icon(LogOut, 16),
      translate('offStage'),
    );
    const moreButton = smallIconButton('', Ellipsis);
    const actions = element('div', { className: 'stage-actions' }, removeButton, moreButton);
    const root = element('li', {}, actions);
    const entry: StageEntry = { root, tiles: new Map(), removeButton, moreButton, participant };
    const { call } = this.#broadcast;
    actions.append(personMenu({ call, button: moreButton, root: this.root, participant: () => entry.participant }));
    removeButton.addEventListener('click', () => void this.#broadcast.removeFromStage(entry.participant));
    this.#entries.set(participant.id, entry);
    return entry;
  }

  #updateTile(entry: StageEntry, source: VideoSource): void {
    const { participant } = entry;
    if (source === 'screen' && !participant.screenOn) {
      entry.tiles.get(source)?.remove();
      entry.tiles.delete(source);
      return;
    }
    const tile = entry.tiles.get(source) ?? this.#newTile(entry, source);
    tile.update(tileState(participant, source));
    this.#reportTrackSettings(entry, source);
  }

  #newTile(entry: StageEntry, source: VideoSource): Tile {
    const tile = new Tile({
      kind: source === 'camera' ? 'participant' : 'screen',
      onSize: () => this.#reportTrackSettings(entry, source),
    });
    entry.tiles.set(source, tile);
    entry.removeButton.parentElement?.before(tile.root);
    return tile;
  }

  /** Reports to the server in which size a video is visible. */
  #reportTrackSettings({ tiles, participant }: StageEntry, source: VideoSource): void {
    const size = tiles.get(source)?.size;
    if (size) this.#broadcast.call.client.updateTrackSettings(participant.peerId, source, size);
  }
}
