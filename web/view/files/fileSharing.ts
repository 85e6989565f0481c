/**
 * Files on the page of a call, in the studio and on the viewer's page: notices those that are dragged, pasted or offered, and loads
 * what shows them. Pages without files do without it.
 */
import type { Toasts } from '../common/Toasts.ts';
import type { CallController } from '../controller/CallController.ts';
import { translate } from '../locales/index.ts';
import { droppedFiles } from './droppedFiles.ts';
import type { FilesView } from './FilesView.ts';
import { maySendFiles } from './maySendFiles.ts';

/** What is used of the panel of the chat. */
interface FilesPanel {
  section(part: HTMLElement): void;
  attach(button: HTMLElement): void;
  focus(): void;
}

/** Where the list of files is: in the panel of the chat. */
export interface FilesPlace {
  /** Calls `use` with the panel, now or when it is first opened. */
  onPanel(use: (panel: FilesPanel) => void): void;
  readonly isOpen: boolean;
  toggle(): void;
  /** Counts something new, while the panel is closed. */
  addUnread(): void;
}

export interface FileSharingOptions {
  readonly call: CallController;
  readonly chat: FilesPlace;
  readonly toasts: Toasts;
  /** The element of the page that files are dropped on. */
  readonly root: HTMLElement;
}

/** @returns `close`, which removes its listeners */
export function fileSharing({ call, chat, toasts, root }: FileSharingOptions): { close(): void } {
  const ended = new AbortController();
  const { signal } = ended;
  let loading: Promise<FilesView | undefined> | undefined;
  let isDragging = false;
  let hasPanel = false;
  let couldSend = maySendFiles(call);
  let leaving: ReturnType<typeof setTimeout> | undefined;

  const load = () => {
    loading ??= import('./FilesView.ts').then(
      ({ FilesView: View }) => {
        if (signal.aborted) return undefined;
        let focusPanel = () => {};
        const view = new View({
          ...{ call, toasts, place: root },
          isShown: () => chat.isOpen,
          focusPanel: () => focusPanel(),
          onOffered: () => chat.addUnread(),
          onSent: () => !chat.isOpen && chat.toggle(),
        });
        chat.onPanel((panel) => {
          panel.section(view.section);
          panel.attach(view.attachButton);
          focusPanel = () => panel.focus();
        });
        return view;
      },
      () => {
        loading = undefined;
        if (!signal.aborted) toasts.showError(translate('unreachable'));
        return undefined;
      },
    );
    return loading;
  };
  const endDrag = () => {
    isDragging = false;
    clearTimeout(leaving);
    void loading?.then((view) => view?.hideDrop());
  };

  document.addEventListener(
    'dragover',
    (event) => {
      if (!hasFiles(event.dataTransfer)) return;
      // Without it, the browser would open the file in place of the page.
      event.preventDefault();
      clearTimeout(leaving);
      if (isDragging) return;
      isDragging = true;
      void load().then((view) => isDragging && view?.showDrop());
    },
    { signal },
  );
  // Entering another element leaves the former one: only what is not followed by `dragover` has left the page.
  document.addEventListener(
    'dragleave',
    () => {
      clearTimeout(leaving);
      leaving = setTimeout(endDrag, 150);
    },
    { signal },
  );
  document.addEventListener(
    'drop',
    (event) => {
      const { dataTransfer } = event;
      const isHandled = event.defaultPrevented;
      endDrag();
      if (isHandled || !hasFiles(dataTransfer)) return;
      event.preventDefault();
      paste(dataTransfer);
    },
    { signal, capture: false },
  );
  document.addEventListener(
    'paste',
    ({ clipboardData }) => {
      // Text that was copied with a picture of itself is text.
      if (!hasFiles(clipboardData) || clipboardData.types.includes('text/plain')) return;
      paste(clipboardData);
    },
    { signal },
  );
  /** What the event has is gone after it, and the view may have to be loaded first. */
  const paste = (data: DataTransfer) => {
    const dropped = droppedFiles(data);
    void load().then((view) => view?.paste(dropped));
  };
  call.on('fileOffered', (transfer) => void load().then((view) => view?.onOffered(transfer)));
  call.on('fileChanged', (transfer) => void load().then((view) => view?.onChanged(transfer)));
  /** The button that chooses files is for those who may send them: viewers get it with the stage. */
  const offerButton = () => {
    if (hasPanel && maySendFiles(call)) void load();
  };
  chat.onPanel(() => {
    hasPanel = true;
    offerButton();
  });
  call.on('changed', () => {
    const canSend = maySendFiles(call);
    if (canSend === couldSend || call.phase === 'ended') return;
    couldSend = canSend;
    offerButton();
    void loading?.then((view) => view?.render());
  });
  return {
    close: () => {
      endDrag();
      clearTimeout(leaving);
      ended.abort();
    },
  };
}

function hasFiles(data: DataTransfer | null): data is DataTransfer {
  return data?.types.includes('Files') ?? false;
}
