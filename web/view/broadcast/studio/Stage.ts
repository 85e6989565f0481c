/** Owns the stage in the studio: the others on it, with their pictures, and the way back for each. */
import { LogOut } from 'lucide';
import { arrange, element, icon } from '../../dom.ts';
import { FreezeDetector } from '../../FreezeDetector.ts';
import type { Person } from '../../Person.ts';
import { Speakers } from '../../Speakers.ts';
import { Tile } from '../../Tile.ts';
import { say } from '../../words/index.ts';
import type { Show } from '../Show.ts';

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
  readonly #show: Show;
  readonly #speakers: Speakers;
  readonly #freezes: FreezeDetector;
  readonly #title = element('span', { className: 'quiet' });
  readonly #nobody = element('p', { className: 'quiet' }, say('stageNobody'));
  readonly #list = element('ul', { className: 'studio-stage' });
  readonly #places = new Map<string, Place>();

  constructor(show: Show) {
    this.#show = show;
    this.#speakers = new Speakers(show.session);
    this.#freezes = new FreezeDetector(() => show.session.client);
    this.root = element(
      'section',
      { className: 'studio-panel', ariaLabel: say('stageTitle') },
      element('header', {}, element('h2', {}, say('stageTitle')), this.#title),
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
    arrange(
      this.#list,
      people.map((person) => this.#place(person)),
    );
    this.#nobody.hidden = people.length > 0;
    this.#title.textContent = people.length > 0 ? say('stageCount', { count: people.length }) : '';
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
    const frozen = this.#freezes.frozen(
      places.flatMap(({ tiles, person: { peerId } }) => [...tiles].map(([source, tile]) => ({ tile, peerId, source }))),
    );
    for (const [id, { tiles, person }] of this.#places) {
      tiles.get('camera')?.setSpeaking(speaking.has(id));
      for (const tile of tiles.values()) {
        if (person.away) tile.setSlow(true, say('awayTheirs', { name: person.name }));
        else tile.setSlow(frozen.has(tile), say('frozenTheirs', { name: person.name }));
      }
    }
  }

  #place(person: Person): HTMLElement {
    const place = this.#places.get(person.id) ?? this.#newPlace(person);
    place.person = person;
    for (const picture of pictures) this.#showPicture(place, picture);
    const { isAdmin } = this.#show.session;
    place.back.hidden = !isAdmin;
    place.back.ariaLabel = say('sendBackName', { name: person.name });
    return place.root;
  }

  #newPlace(person: Person): Place {
    const back = element('button', { type: 'button', className: 'small' }, icon(LogOut, 16), say('sendBack'));
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
      label: camera ? person.name : say('screenOf', { name: person.name }),
      name: person.name,
      video: person[picture],
      expectsVideo: (camera ? person.cameraOn : person.screenOn) && person.undecodable[picture] === undefined,
      undecodable: person.undecodable[picture],
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
    if (size) this.#show.session.client.setView(person.peerId, picture, size);
  }
}
