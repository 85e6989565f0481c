/** The tile of the local camera: mirrored; alone it fills the call, in small calls it floats in a corner of choice. */
import { Move } from 'lucide';
import { smallIconButton } from '../common/buttons.ts';
import { Tile } from '../common/Tile.ts';
import { tileState } from '../common/tileState.ts';
import type { Participant } from '../controller/Participant.ts';
import { translate } from '../locales/index.ts';
import { preferences } from '../storage/preferences.ts';

const corners = ['bottom-right', 'bottom-left', 'top-left', 'top-right'] as const;
type Corner = (typeof corners)[number];

function isCorner(value: string): value is Corner {
  return corners.some((corner) => corner === value);
}

/** How far a pointer must move to start a drag, in CSS pixels. */
const DRAG_THRESHOLD = 8;

export class LocalTile {
  readonly tile = new Tile({ kind: 'local' });
  readonly root = this.tile.root;
  #corner: Corner;

  constructor() {
    const stored = preferences.corner.get();
    this.#corner = isCorner(stored) ? stored : 'bottom-right';
    const label = translate('moveSelfView');
    const move = smallIconButton(label, Move, { className: 'pin' });
    move.addEventListener('click', () =>
      this.#moveTo(corners[(corners.indexOf(this.#corner) + 1) % corners.length] ?? 'bottom-right'),
    );
    this.root.append(move);
    this.root.addEventListener('pointerdown', (event) => this.#drag(event));
    this.#moveTo(this.#corner);
  }

  update(participant: Participant): void {
    this.tile.update(tileState(participant, 'camera'));
  }

  #moveTo(corner: Corner): void {
    this.#corner = corner;
    this.root.dataset.corner = corner;
    preferences.corner.set(corner);
  }

  /** Follows the pointer; on release moves to the nearest corner. */
  #drag(start: PointerEvent): void {
    const onButton = start.target instanceof Element && start.target.closest('button');
    if (!this.root.classList.contains('floating') || onButton) return;
    const released = new AbortController();
    const { signal } = released;
    this.root.setPointerCapture(start.pointerId);
    const onMove = (event: PointerEvent) => {
      const [x, y] = [event.clientX - start.clientX, event.clientY - start.clientY];
      if (Math.hypot(x, y) < DRAG_THRESHOLD) return;
      this.root.style.translate = `${x}px ${y}px`;
    };
    const onEnd = (event: PointerEvent) => {
      released.abort();
      const dragged = this.root.style.translate !== '';
      this.root.style.translate = '';
      const layout = this.root.parentElement?.getBoundingClientRect();
      if (!dragged || !layout) return;
      const vertical = event.clientY < layout.top + layout.height / 2 ? 'top' : 'bottom';
      const horizontal = event.clientX < layout.left + layout.width / 2 ? 'left' : 'right';
      this.#moveTo(`${vertical}-${horizontal}`);
    };
    this.root.addEventListener('pointermove', onMove, { signal });
    this.root.addEventListener('pointerup', onEnd, { signal });
    this.root.addEventListener('pointercancel', onEnd, { signal });
  }
}
