/** Owns the stage in the studio: the others on it, with their pictures, and the way back for each. */
import { LogOut } from 'lucide';
import { ActiveSpeakers } from '../../common/ActiveSpeakers.ts';
import { element, icon, reconcileChildren } from '../../common/dom.ts';
import { FreezeDetector } from '../../common/FreezeDetector.ts';
import { Tile } from '../../common/Tile.ts';
import type { Participant } from '../../controller/Participant.ts';
import { translate } from '../../locales/index.ts';
import type { BroadcastController } from '../BroadcastController.ts';

const pictures = ['camera', 'screen'] as const;
type Picture = (typeof pictures)[number];

interface StageEntry {
  readonly root: HTMLElement;
  readonly tiles: Map<Picture, Tile>;
  readonly back: HTMLButtonElement;
  person: Participant;
}

export class StagePanel {
  readonly root: HTMLElement;
  readonly #broadcast: BroadcastController;
  readonly #speakers: ActiveSpeakers;
  readonly #freezeDetector: FreezeDetector;
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
      element('header', {}, element('h2', {}, translate('stageTitle')), this.#title),
      this.#nobody,
      this.#list,
    );
  }

  render(): void {
    const people = this.#broadcast.stageParticipants;
    const there = new Set(people.map(({ id }) => id));
    for (const [id, { tiles }] of this.#entries) {
      if (there.has(id)) continue;
      for (const tile of tiles.values()) tile.remove();
      this.#entries.delete(id);
    }
    reconcileChildren(
      this.#list,
      people.map((person) => this.#updateEntry(person)),
    );
    this.#nobody.hidden = people.length > 0;
    this.#title.textContent = people.length > 0 ? translate('stageCount', { count: people.length }) : '';
  }

  /** The stage is not shown any more. */
  close(): void {
    for (const { tiles } of this.#entries.values()) for (const tile of tiles.values()) tile.remove();
    this.#entries.clear();
  }

  /** Rings around who speaks. Call it regularly. */
  pollSpeakers(): void {
    const speaking = this.#speakers.poll();
    const places = [...this.#entries.values()];
    const frozen = this.#freezeDetector.frozen(
      places.flatMap(({ tiles, person: { peerId } }) => [...tiles].map(([source, tile]) => ({ tile, peerId, source }))),
    );
    for (const [id, { tiles, person }] of this.#entries) {
      tiles.get('camera')?.setSpeaking(speaking.has(id));
      for (const tile of tiles.values()) {
        if (person.away) tile.setFrozen(true, translate('participantReconnecting', { name: person.name }));
        else tile.setFrozen(frozen.has(tile), translate('remoteConnectionSlow', { name: person.name }));
      }
    }
  }

  #updateEntry(person: Participant): HTMLElement {
    const place = this.#entries.get(person.id) ?? this.#addEntry(person);
    place.person = person;
    for (const picture of pictures) this.#showPicture(place, picture);
    const { isAdmin } = this.#broadcast.call;
    place.back.hidden = !isAdmin;
    place.back.ariaLabel = translate('removeNameFromStage', { name: person.name });
    return place.root;
  }

  #addEntry(person: Participant): StageEntry {
    const back = element(
      'button',
      { type: 'button', className: 'small' },
      icon(LogOut, 16),
      translate('removeFromStage'),
    );
    const place: StageEntry = { root: element('li', {}, back), tiles: new Map(), back, person };
    back.addEventListener('click', () => void this.#broadcast.removeFromStage(place.person));
    this.#entries.set(person.id, place);
    return place;
  }

  #showPicture(place: StageEntry, picture: Picture): void {
    const { person } = place;
    if (picture === 'screen' && !person.screenOn) {
      place.tiles.get(picture)?.remove();
      place.tiles.delete(picture);
      return;
    }
    const tile = place.tiles.get(picture) ?? this.#newTile(place, picture);
    const camera = picture === 'camera';
    tile.update({
      data: camera ? { peerId: person.peerId } : { screenOf: person.peerId },
      away: person.away,
      label: camera ? person.name : translate('screenOf', { name: person.name }),
      name: person.name,
      video: person[picture],
      expectsVideo: (camera ? person.cameraOn : person.screenOn) && person.unsupportedCodec[picture] === undefined,
      unsupportedCodec: person.unsupportedCodec[picture],
      muted: camera && person.muted,
      handRaised: camera && person.handRaised,
      pinned: false,
    });
    this.#reportTrackSettings(place, picture);
  }

  #newTile(place: StageEntry, picture: Picture): Tile {
    const tile = new Tile({
      kind: picture === 'camera' ? 'participant' : 'screen',
      onSize: () => this.#reportTrackSettings(place, picture),
    });
    place.tiles.set(picture, tile);
    place.back.before(tile.root);
    return tile;
  }

  /** Tells the server how large a picture is seen here. */
  #reportTrackSettings({ tiles, person }: StageEntry, picture: Picture): void {
    const size = tiles.get(picture)?.size;
    if (size) this.#broadcast.call.client.updateTrackSettings(person.peerId, picture, size);
  }
}
