/** Owns one's own picture: mirrored, in a corner that can be chosen; the whole stage alone, a tile like others in larger calls. */
import { Move } from 'lucide';
import { element, icon } from '../common/dom.ts';
import { Tile } from '../common/Tile.ts';
import type { Participant } from '../controller/Participant.ts';
import { translate } from '../locales/index.ts';
import { preferences } from '../storage/preferences.ts';

const corners = ['bottom-right', 'bottom-left', 'top-left', 'top-right'] as const;
type Corner = (typeof corners)[number];

function isCorner(value: string): value is Corner {
  return corners.some((corner) => corner === value);
}

/** How far a pointer must move before it drags, in CSS pixels. */
const DRAG_THRESHOLD = 8;

export class LocalTile {
  readonly tile = new Tile({ kind: 'local' });
  readonly root = this.tile.root;
  #corner: Corner;

  constructor() {
    const chosen = preferences.corner.get();
    this.#corner = isCorner(chosen) ? chosen : 'bottom-right';
    const words = translate('moveSelfView');
    const move = element(
      'button',
      { type: 'button', className: 'pin icon-button small', ariaLabel: words, title: words },
      icon(Move, 18),
    );
    move.addEventListener('click', () =>
      this.#moveTo(corners[(corners.indexOf(this.#corner) + 1) % corners.length] ?? 'bottom-right'),
    );
    this.root.append(move);
    this.root.addEventListener('pointerdown', (event) => this.#drag(event));
    this.#moveTo(this.#corner);
  }

  update(self: Participant): void {
    this.tile.update({
      data: { local: '' },
      label: translate('you'),
      name: self.name,
      video: self.camera,
      expectsVideo: self.cameraOn,
      muted: self.muted,
      handRaised: self.handRaised,
      pinned: false,
    });
  }

  #moveTo(corner: Corner): void {
    this.#corner = corner;
    this.root.dataset.corner = corner;
    preferences.corner.set(corner);
  }

  /** Follows the pointer and lets go into the nearest corner. */
  #drag(start: PointerEvent): void {
    if (
      !this.root.classList.contains('floating') ||
      (start.target instanceof Element && start.target.closest('button'))
    )
      return;
    const release = new AbortController();
    const { signal } = release;
    this.root.setPointerCapture(start.pointerId);
    const onMove = (event: PointerEvent) => {
      const [x, y] = [event.clientX - start.clientX, event.clientY - start.clientY];
      if (Math.hypot(x, y) < DRAG_THRESHOLD) return;
      this.root.style.translate = `${x}px ${y}px`;
    };
    const onEnd = (event: PointerEvent) => {
      release.abort();
      const dragged = this.root.style.translate !== '';
      this.root.style.translate = '';
      const stage = this.root.parentElement?.getBoundingClientRect();
      if (!dragged || !stage) return;
      const vertical = event.clientY < stage.top + stage.height / 2 ? 'top' : 'bottom';
      const horizontal = event.clientX < stage.left + stage.width / 2 ? 'left' : 'right';
      this.#moveTo(`${vertical}-${horizontal}`);
    };
    this.root.addEventListener('pointermove', onMove, { signal });
    this.root.addEventListener('pointerup', onEnd, { signal });
    this.root.addEventListener('pointercancel', onEnd, { signal });
  }
}
