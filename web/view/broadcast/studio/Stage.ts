/** Owns the stage in the studio: the others on it, with their pictures, and the way back for each. */
import { LogOut } from 'lucide';
import { ActiveSpeakers } from '../../common/ActiveSpeakers.ts';
import { element, icon, reconcileChildren } from '../../common/dom.ts';
import { FreezeDetector } from '../../common/FreezeDetector.ts';
import { Tile } from '../../common/Tile.ts';
import { translate } from '../../locales/index.ts';
import type { Person } from '../../participation/Person.ts';
import type { BroadcastController } from '../BroadcastController.ts';

const pictures = ['camera', 'screen'] as const;
type Picture = (typeof pictures)[number];

interface Place {
  readonly root: HTMLElement;
  readonly tiles: Map<Picture, Tile>;
  readonly back: HTMLButtonElement;
  person: Person;
}

export class StudioStage {
  readonly root: HTMLElement;
  readonly #show: BroadcastController;
  readonly #speakers: ActiveSpeakers;
  readonly #freezeCount: FreezeDetector;
  readonly #title = element('span', { className: 'quiet' });
  readonly #nobody = element('p', { className: 'quiet' }, translate('stageNobody'));
  readonly #list = element('ul', { className: 'studio-stage' });
  readonly #places = new Map<string, Place>();

  constructor(show: BroadcastController) {
    this.#show = show;
    this.#speakers = new ActiveSpeakers(show.session);
    this.#freezeCount = new FreezeDetector(() => show.session.client);
    this.root = element(
      'section',
      { className: 'studio-panel', ariaLabel: translate('stageTitle') },
      element('header', {}, element('h2', {}, translate('stageTitle')), this.#title),
      this.#nobody,
      this.#list,
    );
  }

  render(): void {
    const people = this.#show.stage;
    const there = new Set(people.map(({ id }) => id));
    for (const [id, { tiles }] of this.#places) {
      if (there.has(id)) continue;
      for (const tile of tiles.values()) tile.remove();
      this.#places.delete(id);
    }
    reconcileChildren(
      this.#list,
      people.map((person) => this.#place(person)),
    );
    this.#nobody.hidden = people.length > 0;
    this.#title.textContent = people.length > 0 ? translate('stageCount', { count: people.length }) : '';
  }

  /** The stage is not shown any more. */
  close(): void {
    for (const { tiles } of this.#places.values()) for (const tile of tiles.values()) tile.remove();
    this.#places.clear();
  }

  /** Rings around who speaks. Call it regularly. */
  hear(): void {
    const speaking = this.#speakers.listen();
    const places = [...this.#places.values()];
    const frozen = this.#freezeCount.frozen(
      places.flatMap(({ tiles, person: { peerId } }) => [...tiles].map(([source, tile]) => ({ tile, peerId, source }))),
    );
    for (const [id, { tiles, person }] of this.#places) {
      tiles.get('camera')?.setSpeaking(speaking.has(id));
      for (const tile of tiles.values()) {
        if (person.away) tile.setSlow(true, translate('awayTheirs', { name: person.name }));
        else tile.setSlow(frozen.has(tile), translate('frozenTheirs', { name: person.name }));
      }
    }
  }

  #place(person: Person): HTMLElement {
    const place = this.#places.get(person.id) ?? this.#newPlace(person);
    place.person = person;
    for (const picture of pictures) this.#showPicture(place, picture);
    const { isAdmin } = this.#show.session;
    place.back.hidden = !isAdmin;
    place.back.ariaLabel = translate('sendBackName', { name: person.name });
    return place.root;
  }

  #newPlace(person: Person): Place {
    const back = element('button', { type: 'button', className: 'small' }, icon(LogOut, 16), translate('sendBack'));
    const place: Place = { root: element('li', {}, back), tiles: new Map(), back, person };
    back.addEventListener('click', () => void this.#show.sendBack(place.person));
    this.#places.set(person.id, place);
    return place;
  }

  #showPicture(place: Place, picture: Picture): void {
    const { person } = place;
    if (picture === 'screen' && !person.screenOn) {
      place.tiles.get(picture)?.remove();
      place.tiles.delete(picture);
      return;
    }
    const tile = place.tiles.get(picture) ?? this.#newTile(place, picture);
    const camera = picture === 'camera';
    tile.show({
      data: camera ? { peerId: person.peerId } : { screenOf: person.peerId },
      away: person.away,
      label: camera ? person.name : translate('screenOf', { name: person.name }),
      name: person.name,
      video: person[picture],
      expectsVideo: (camera ? person.cameraOn : person.screenOn) && person.unsupportedCodec[picture] === undefined,
      unsupportedCodec: person.unsupportedCodec[picture],
      muted: camera && person.muted,
      hand: camera && person.hand,
      pinned: false,
    });
    this.#report(place, picture);
  }

  #newTile(place: Place, picture: Picture): Tile {
    const tile = new Tile({
      kind: picture === 'camera' ? 'person' : 'screen',
      onSize: () => this.#report(place, picture),
    });
    place.tiles.set(picture, tile);
    place.back.before(tile.root);
    return tile;
  }

  /** Tells the server how large a picture is seen here. */
  #report({ tiles, person }: Place, picture: Picture): void {
    const size = tiles.get(picture)?.size;
    if (size) this.#show.session.client.updateTrackSettings(person.peerId, picture, size);
  }
}
