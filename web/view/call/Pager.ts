/** Turns the pages of a call with more tiles than one page holds. */
import { ChevronLeft, ChevronRight, type IconNode } from 'lucide';
import { smallIconButton } from '../common/buttons.ts';
import { announce, element } from '../common/dom.ts';
import { translate } from '../locales/index.ts';

export class Pager {
  readonly root: HTMLElement;
  readonly #label = element('span', {});
  readonly #onTurned: () => void;
  #page = 0;
  #pages = 1;

  constructor(onTurned: () => void) {
    this.#onTurned = onTurned;
    this.root = element(
      'nav',
      { className: 'pager', hidden: true },
      this.#button(-1, translate('previousPage'), ChevronLeft),
      this.#label,
      this.#button(1, translate('nextPage'), ChevronRight),
    );
  }

  /** The index of the current page. */
  get page(): number {
    return this.#page;
  }

  /** Sets how many pages there are; with one the pager is hidden. */
  setPages(pages: number): void {
    this.#pages = pages;
    this.#page = Math.min(this.#page, pages - 1);
    this.root.hidden = pages < 2;
    this.#label.textContent = this.#text;
  }

  get #text(): string {
    return translate('page', { page: this.#page + 1, pages: this.#pages });
  }

  #button(step: number, label: string, node: IconNode): HTMLButtonElement {
    const button = smallIconButton(label, node);
    button.addEventListener('click', () => {
      this.#page = (this.#page + step + this.#pages) % this.#pages;
      this.#onTurned();
      announce(this.#text);
    });
    return button;
  }
}
