/** One transfer in the list: name, peer, progress and the buttons that its state allows. */
import { Check, Download, File as FileIcon, type IconNode, Pause, Play, X } from 'lucide';
import type { FileTransfer } from '../../client/index.ts';
import { smallIconButton } from '../common/buttons.ts';
import { element, icon, reconcileChildren, setText } from '../common/dom.ts';
import { type FilesKey, translateFiles } from '../locales/files.ts';
import { stateText } from './fileTexts.ts';
import { formatBytes } from './formatFile.ts';

/** What a button does. */
export type FileAction =
  | 'accept'
  | 'saveAs'
  | 'decline'
  | 'pause'
  | 'resume'
  | 'cancel'
  | 'save'
  | 'sendAgain'
  | 'remove'
  | 'choose';

/** What else decides on what a row shows, besides the state of its transfer. */
export interface FileAbilities {
  /** Whether the browser lets people choose where a file is saved. */
  readonly canChoosePlace: boolean;
  /** Whether the page still has the file of a transfer that has failed. */
  readonly canSendAgain: boolean;
  /** Whether we are no longer on the stage of a broadcast, where our transfers wait for us. */
  readonly isOffStage: boolean;
}

const icons: Partial<Record<FileAction, readonly [FilesKey, IconNode]>> = {
  pause: ['filesPause', Pause],
  resume: ['filesResume', Play],
  cancel: ['filesCancel', X],
  save: ['filesSaveAgain', Download],
  remove: ['filesRemove', X],
};
const labels: Partial<Record<FileAction, FilesKey>> = {
  accept: 'filesAccept',
  saveAs: 'filesSaveAs',
  decline: 'filesDecline',
  sendAgain: 'filesSendAgain',
  choose: 'filesChoose',
};

export class FileRow {
  readonly root = element('li', { className: 'file-row' });
  readonly #onAction: (action: FileAction) => void;
  readonly #state = element('span', { className: 'file-state secondary' });
  readonly #progress = element('progress', { max: 1 });
  readonly #actions = element('span', { className: 'file-actions' });
  readonly #buttons = new Map<FileAction, HTMLButtonElement>();
  readonly #file: string;

  constructor({ name, size, direction, peer, state }: FileTransfer, onAction: (action: FileAction) => void) {
    this.#onAction = onAction;
    this.#file = name;
    this.#progress.ariaLabel = translateFiles('filesProgress', { file: name });
    const whom = translateFiles(direction === 'send' ? 'filesTo' : 'filesFrom', { name: peer.name });
    this.root.dataset.state = state;
    this.root.append(
      icon(FileIcon, 20),
      element(
        'div',
        { className: 'file-text' },
        element('bdi', { className: 'file-name', title: name }, name),
        element('span', { className: 'secondary' }, `${formatBytes(size)} · ${whom}`),
        this.#progress,
        this.#state,
      ),
      this.#actions,
    );
  }

  render(transfer: FileTransfer, abilities: FileAbilities): void {
    const { state, size, transferred } = transfer;
    this.root.dataset.state = state;
    setText(this.#state, stateText(transfer, abilities.isOffStage));
    this.#progress.hidden = !['active', 'paused', 'waiting'].includes(state);
    this.#progress.value = size === 0 ? 1 : transferred / size;
    const hadFocus = this.#actions.contains(document.activeElement);
    reconcileChildren(
      this.#actions,
      actionsOf(transfer, abilities).map((action) => this.#button(action)),
    );
    // The button that was pressed is gone: the focus stays in the row.
    const first = this.#actions.firstElementChild;
    if (hadFocus && !this.#actions.contains(document.activeElement) && first instanceof HTMLElement) first.focus();
  }

  #button(action: FileAction): HTMLButtonElement {
    const known = this.#buttons.get(action);
    if (known) return known;
    const button = this.#create(action);
    button.dataset.action = action;
    button.addEventListener('click', () => this.#onAction(action));
    this.#buttons.set(action, button);
    return button;
  }

  #create(action: FileAction): HTMLButtonElement {
    const [key, node] = icons[action] ?? [];
    if (key && node) return smallIconButton(translateFiles(key, { file: this.#file }), node);
    const text = translateFiles(labels[action] ?? 'filesAccept');
    const button = element('button', { type: 'button', className: action === 'accept' ? 'primary' : '' }, text);
    if (action === 'accept') button.prepend(icon(Check, 18));
    // What is read out names the file; it begins with what is seen.
    button.ariaLabel = `${text}: ${this.#file}`;
    return button;
  }
}

function actionsOf(transfer: FileTransfer, { canChoosePlace, canSendAgain }: FileAbilities): FileAction[] {
  const { state, direction, pausedBy, blob } = transfer;
  if (state === 'offered' && direction === 'receive') {
    return canChoosePlace ? ['accept', 'saveAs', 'decline'] : ['accept', 'decline'];
  }
  if (state === 'active') return ['pause', 'cancel'];
  if (state === 'paused') return pausedBy === 'self' ? ['resume', 'cancel'] : ['cancel'];
  if (state === 'needsFile') return ['choose', 'cancel'];
  if (state === 'offered' || state === 'waiting') return ['cancel'];
  if (state !== 'completed' && canSendAgain) return ['sendAgain', 'remove'];
  return blob ? ['save', 'remove'] : ['remove'];
}
