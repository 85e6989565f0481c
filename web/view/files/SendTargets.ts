/** Whom files are sent to: a layer over the page on which they are dropped, or a dialog; and why nothing can be sent. */
import { Upload } from 'lucide';
import { element, icon } from '../common/dom.ts';
import type { CallController } from '../controller/CallController.ts';
import type { Participant } from '../controller/Participant.ts';
import { type FilesKey, translateFiles } from '../locales/files.ts';
import { maySendFiles } from './maySendFiles.ts';

/** Peer ids; undefined for everyone: in a broadcast those on the stage, since its viewers cannot be addressed. */
export type Target = readonly string[] | undefined;

type Call = Pick<CallController, 'remoteParticipants' | 'client' | 'files' | 'options' | 'phase'>;

interface Words {
  readonly dropAll: FilesKey;
  readonly everyone: FilesKey;
  readonly nobody: FilesKey;
  /** Others are there, none of whom may receive files. */
  readonly nobodyMay: FilesKey;
}

/** "Everyone" would mean the viewers too. */
const onStage: Words = {
  dropAll: 'filesDropStage',
  everyone: 'filesEveryoneOnStage',
  nobody: 'filesNobodyOnStage',
  nobodyMay: 'filesNobodyMayOnStage',
};
const inCall: Words = {
  dropAll: 'filesDropAll',
  everyone: 'filesEveryone',
  nobody: 'filesNobody',
  nobodyMay: 'filesNobodyMay',
};

export class SendTargets {
  readonly #call: Call;
  readonly #place: HTMLElement;
  readonly #words: Words;
  #layer: HTMLElement | undefined;

  /** @param place the element of the page that it covers */
  constructor(call: Call, place: HTMLElement) {
    this.#call = call;
    this.#place = place;
    this.#words = call.options.kind === 'broadcast' ? onStage : inCall;
  }

  /** Why nothing can be sent now. */
  get refusal(): string | undefined {
    const { client, files, options, phase, remoteParticipants } = this.#call;
    if (phase !== 'joined') return translateFiles('filesNotConnected');
    if (client.grants?.hidden && options.kind === 'broadcast') return translateFiles('filesViewers');
    if (!maySendFiles(this.#call)) return translateFiles('filesForbidden');
    if (files.maxBytes === 0) return translateFiles('filesOff');
    if (remoteParticipants.length === 0) return translateFiles(this.#words.nobody);
    return this.#people.length === 0 ? translateFiles(this.#words.nobodyMay) : undefined;
  }

  /** Whom files can be sent to. */
  get #people(): Participant[] {
    return this.#call.remoteParticipants.filter(({ canExchangeData }) => canExchangeData);
  }

  /** Shows the layer while files are dragged over the page. @param onDrop with whom they were dropped on */
  showDrop(onDrop: (event: DragEvent, target: Target) => void): void {
    if (this.#layer) return;
    const { refusal } = this;
    const people = this.#people;
    const [first] = people;
    const isOne = first !== undefined && people.length === 1;
    const title = isOne ? translateFiles('filesDropOne', { name: first.name }) : translateFiles(this.#words.dropAll);
    const layer = element(
      'div',
      { className: 'file-drop' },
      icon(Upload, 40),
      element('p', { className: 'file-drop-title' }, refusal ?? title),
    );
    this.#listen(layer, undefined, onDrop);
    if (refusal === undefined && !isOne) {
      const chips = people.map(({ name, peerId }) => {
        const chip = element('span', { className: 'file-target' }, name);
        this.#listen(chip, [peerId], onDrop);
        return chip;
      });
      layer.append(element('p', { className: 'secondary' }, translateFiles('filesDropHint')));
      layer.append(element('div', { className: 'file-targets' }, ...chips));
    }
    this.#layer = layer;
    this.#place.append(layer);
  }

  hideDrop(): void {
    this.#layer?.remove();
    this.#layer = undefined;
  }

  /** Asks whom files go to, if there is a choice. @returns null if the user does not want to send them after all */
  choose(files: readonly File[]): Promise<Target | null> {
    const people = this.#people;
    if (people.length < 2) return Promise.resolve(people.map(({ peerId }) => peerId));
    const [first] = files;
    const title =
      files.length === 1
        ? translateFiles('filesSendTitle', { name: first?.name ?? '' })
        : translateFiles('filesSendMany', { count: files.length });
    const heading = element('h2', { id: 'file-dialog-title' }, title);
    const dialog = element(
      'dialog',
      { className: 'file-dialog', attributes: { 'aria-labelledby': heading.id, closedby: 'any' } },
      heading,
    );
    const { promise, resolve } = Promise.withResolvers<Target | null>();
    let chosen: Target | null = null;
    const button = (label: string, target: Target, className = '') => {
      const made = element('button', { type: 'button', className }, label);
      made.addEventListener('click', () => {
        chosen = target;
        dialog.close();
      });
      return made;
    };
    dialog.append(
      element(
        'div',
        { className: 'file-targets' },
        button(translateFiles(this.#words.everyone), undefined, 'primary'),
        ...people.map(({ name, peerId }) => button(name, [peerId])),
      ),
    );
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(chosen);
    });
    this.#place.append(dialog);
    dialog.showModal();
    return promise;
  }

  #listen(zone: HTMLElement, target: Target, onDrop: (event: DragEvent, target: Target) => void): void {
    zone.addEventListener('dragover', (event) => {
      event.preventDefault();
      if (event.dataTransfer) event.dataTransfer.dropEffect = 'copy';
      zone.classList.add('over');
    });
    zone.addEventListener('dragleave', () => zone.classList.remove('over'));
    zone.addEventListener('drop', (event) => {
      // A person within the layer has it already.
      if (event.defaultPrevented) return;
      event.preventDefault();
      onDrop(event, target);
    });
  }
}
