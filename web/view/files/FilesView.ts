/** Files of a call or of the stage of a broadcast: what is sent and received, as a list in the chat, and ways to send more. */
import { Paperclip } from 'lucide';
import { type FileTransfer, WeirError } from '../../client/index.ts';
import { smallIconButton } from '../common/buttons.ts';
import { announce, element, reconcileChildren } from '../common/dom.ts';
import { errorMessage } from '../common/errorMessages.ts';
import { keepFocus } from '../common/keepFocus.ts';
import type { Toasts } from '../common/Toasts.ts';
import type { CallController } from '../controller/CallController.ts';
import { translateFiles } from '../locales/files.ts';
import { pickFiles } from './chosenFiles.ts';
import { type ChosenFile, type DroppedFiles, droppedFiles } from './droppedFiles.ts';
import { type FileAbilities, type FileAction, FileRow } from './FileRow.ts';
import { endText } from './fileTexts.ts';
import { formatBytes } from './formatFile.ts';
import { maySendFiles } from './maySendFiles.ts';
import { SendTargets, type Target } from './SendTargets.ts';
import { saveFile } from './saveFile.ts';
import './files.css';

/** In milliseconds: a file whose handle the browser has kept is opened by itself within this time. */
const REOPEN_TIME = 2000;

export interface FilesViewOptions {
  readonly call: CallController;
  readonly toasts: Pick<Toasts, 'show' | 'showError'>;
  /** The element of the page that files are dropped on. */
  readonly place: HTMLElement;
  /** Whether the list can be seen. */
  isShown(): boolean;
  /** Moves the focus to the panel, when the last row, which had it, is gone. */
  focusPanel(): void;
  /** Something in the list needs an answer: a file is offered, or has to be chosen again. */
  onOffered(): void;
  /** A file of ours is in the list. */
  onSent(): void;
}

export class FilesView {
  /** The list, for the panel of the chat. */
  readonly section = element('section', { className: 'files', hidden: true, ariaLabel: translateFiles('filesTitle') });
  /** Chooses files to send. */
  readonly attachButton = smallIconButton(translateFiles('filesAttach'), Paperclip, { size: 20 });
  readonly #options: FilesViewOptions;
  readonly #list = element('ul', {});
  readonly #rows = new Map<string, FileRow>();
  /** Ids, from the top of the list. A row stays in its place, whatever becomes of it. */
  #order: string[] = [];
  readonly #targets: SendTargets;
  /** What was sent from this page, by the id of its transfer, so that it can be sent again. */
  readonly #sent = new Map<string, ChosenFile>();
  /** Transfers whose other end was there while this page was. */
  readonly #wasPresent = new Set<string>();
  /** Transfers of which an end was told. */
  readonly #notified = new Set<string>();
  /** Transfers of which the user was told that their file has to be chosen again. */
  readonly #askedFor = new Set<string>();

  constructor(options: FilesViewOptions) {
    this.#options = options;
    this.#targets = new SendTargets(options.call, options.place);
    this.section.append(this.#list);
    this.attachButton.addEventListener('click', () => void this.#attach());
    this.render();
  }

  /** A file is offered to us. */
  onOffered({ peer, name, size }: FileTransfer): void {
    const values = { name: peer.name, file: name, size: formatBytes(size) };
    if (this.#options.isShown()) announce(translateFiles('filesOfferedHere', values));
    else this.#options.toasts.show(translateFiles('filesOffered', values));
    this.#options.onOffered();
    this.render();
  }

  /** A transfer has changed. */
  onChanged(transfer: FileTransfer): void {
    this.#notifyEnd(transfer);
    if (transfer.state === 'needsFile') this.#askForFile(transfer);
    const row = this.#rows.get(transfer.id);
    if (row) row.render(transfer, this.#abilities(transfer));
    else this.render();
  }

  render(): void {
    const { transfers } = this.#options.call.files;
    this.section.hidden = transfers.length === 0;
    // Who leaves the stage of a broadcast sends nothing more.
    this.attachButton.hidden = !maySendFiles(this.#options.call);
    const known = new Map(transfers.map((transfer) => [transfer.id, transfer]));
    for (const id of this.#rows.keys()) if (!known.has(id)) this.#rows.delete(id);
    for (const id of this.#sent.keys()) if (!known.has(id)) this.#sent.delete(id);
    this.#order = this.#order.filter((id) => known.has(id));
    for (const transfer of transfers) if (!this.#rows.has(transfer.id)) this.#insert(transfer, known);
    for (const [id, row] of this.#rows) {
      const transfer = known.get(id);
      if (transfer) row.render(transfer, this.#abilities(transfer));
    }
    const rows = this.#order.flatMap((id) => this.#rows.get(id)?.root ?? []);
    keepFocus(
      this.#list,
      () => reconcileChildren(this.#list, rows),
      () => this.#options.focusPanel(),
    );
  }

  /** A new one is above the others, but below those that wait for an answer, unless it does so too. */
  #insert(transfer: FileTransfer, known: ReadonlyMap<string, FileTransfer>): void {
    const { id } = transfer;
    this.#rows.set(id, new FileRow(transfer, (action) => void this.#act(id, action)));
    const lastWaiting = this.#order.findLastIndex((other) => {
      const one = known.get(other);
      return one !== undefined && needsAnswer(one);
    });
    this.#order.splice(needsAnswer(transfer) ? 0 : lastWaiting + 1, 0, id);
  }

  /** Files are dragged over the page. */
  showDrop(): void {
    this.#targets.showDrop((event, target) => {
      this.#targets.hideDrop();
      if (event.dataTransfer) void this.#sendDropped(droppedFiles(event.dataTransfer), target);
    });
  }

  hideDrop(): void {
    this.#targets.hideDrop();
  }

  /** Files were pasted or dropped outside the layer: asks whom they are for. */
  async paste(dropped: Promise<DroppedFiles>): Promise<void> {
    await this.#sendDropped(dropped, null);
  }

  async #attach(): Promise<void> {
    await this.#choose(await pickFiles(true));
  }

  /** @param target null to ask for it */
  async #sendDropped(dropped: Promise<DroppedFiles>, target: Target | null): Promise<void> {
    const { files, hasFolder } = await dropped;
    if (hasFolder) this.#options.toasts.showError(translateFiles('filesEmptyDrop'));
    if (target === null) await this.#choose(files);
    else await this.#send(files, target);
  }

  /** @returns whether anything was sent */
  async #choose(files: readonly ChosenFile[]): Promise<boolean> {
    if (files.length === 0 || this.#isRefused()) return false;
    const target = await this.#targets.choose(files.map(({ file }) => file));
    return target !== null && (await this.#send(files, target));
  }

  /** @returns whether anything was sent */
  async #send(files: readonly ChosenFile[], target: Target): Promise<boolean> {
    if (files.length === 0 || this.#isRefused()) return false;
    const { call, toasts } = this.#options;
    const { maxBytes } = call.files;
    let isAnySent = false;
    for (const { file, handle } of files) {
      const { name } = file;
      if (file.size > maxBytes) {
        toasts.showError(translateFiles('filesTooLarge', { name, limit: formatBytes(maxBytes) }));
        continue;
      }
      try {
        const transfers = await call.files.send(file, { ...(target && { to: target }), handle });
        for (const { id } of transfers) this.#sent.set(id, { file, handle });
        isAnySent = true;
        this.#options.onSent();
      } catch (error) {
        toasts.showError(translateFiles('filesFailed', { name, reason: errorMessage(error) }));
      }
    }
    this.render();
    return isAnySent;
  }

  /** Whether nothing can be sent now; says why. */
  #isRefused(): boolean {
    const { refusal } = this.#targets;
    if (refusal !== undefined) this.#options.toasts.showError(refusal);
    return refusal !== undefined;
  }

  async #act(id: string, action: FileAction): Promise<void> {
    const { call, toasts } = this.#options;
    try {
      await this.#run(id, action);
    } catch (error) {
      if (error instanceof DOMException && error.name === 'AbortError') return;
      // It was pressed twice.
      if (action === 'accept' && error instanceof WeirError && error.code === 'conflict') return;
      const isOther = action === 'choose' && error instanceof WeirError && error.code === 'badRequest';
      const reason = isOther ? translateFiles('filesErrorOther') : errorMessage(error);
      toasts.showError(translateFiles('filesActionFailed', { reason }));
    }
    if (call.phase !== 'ended') this.render();
  }

  async #run(id: string, action: FileAction): Promise<void> {
    const { files } = this.#options.call;
    const transfer = files.transfers.find((one) => one.id === id);
    if (action === 'accept') await files.accept(id);
    else if (action === 'saveAs') {
      const handle = await window.showSaveFilePicker?.({ suggestedName: transfer?.name ?? '' });
      if (handle) await files.accept(id, { handle });
    } else if (action === 'save') {
      if (transfer?.blob) saveFile(transfer.blob, transfer.name);
    } else if (action === 'sendAgain') {
      const chosen = this.#sent.get(id);
      if (chosen && (await this.#choose([chosen]))) await files.remove(id);
    } else if (action === 'choose') {
      if (await files.reopen(id)) return;
      const [chosen] = await pickFiles(false);
      if (chosen) await files.provide(id, chosen.file);
    } else await files[action](id);
  }

  /** Says once how a transfer has ended, and saves what has arrived. */
  #notifyEnd(transfer: FileTransfer): void {
    const { id, state, direction, name: file, blob, endReason, handleFailed } = transfer;
    const isOver = state === 'completed' || state === 'failed' || state === 'cancelled' || state === 'declined';
    if (!isOver) {
      // One whose other end had left goes on, and may end otherwise.
      this.#notified.delete(id);
      if (state === 'offered' || state === 'active' || state === 'paused') this.#wasPresent.add(id);
      return;
    }
    if (this.#notified.has(id)) return;
    this.#notified.add(id);
    if (state === 'completed') {
      const key = handleFailed ? 'filesReceivedElsewhere' : 'filesReceived';
      if (direction === 'send') announce(translateFiles('filesDelivered', { name: transfer.peer.name, file }));
      else this.#options.toasts.show(translateFiles(key, { file }));
      if (blob) saveFile(blob, file);
      return;
    }
    // What one has ended oneself needs no words, nor has anybody left who was not there.
    if (endReason === undefined || (endReason === 'left' && (this.#isOffStage || !this.#wasPresent.has(id)))) return;
    const text = translateFiles('filesEnded', { file, reason: endText(transfer) });
    if (state === 'failed') this.#options.toasts.showError(text);
    else this.#options.toasts.show(text);
  }

  /** After a reload: says once that a file has to be chosen again, if the list cannot be seen. */
  #askForFile({ id, name: file }: FileTransfer): void {
    if (this.#askedFor.has(id)) return;
    this.#askedFor.add(id);
    setTimeout(() => {
      const { call, toasts, isShown, onOffered } = this.#options;
      const isNeeded = call.files.transfers.some((one) => one.id === id && one.state === 'needsFile');
      if (!isNeeded || call.phase === 'ended' || isShown()) return;
      toasts.show(translateFiles('filesNeedsFile', { file }));
      onOffered();
    }, REOPEN_TIME);
  }

  #abilities({ id }: FileTransfer): FileAbilities {
    return {
      canChoosePlace: window.showSaveFilePicker !== undefined,
      canSendAgain: this.#sent.has(id),
      isOffStage: this.#isOffStage,
    };
  }

  get #isOffStage(): boolean {
    const { client, options } = this.#options.call;
    return options.kind === 'broadcast' && client.grants?.hidden === true;
  }
}

function needsAnswer({ state, direction }: FileTransfer): boolean {
  return state === 'needsFile' || (state === 'offered' && direction === 'receive');
}
