/** Files that people drop, paste or choose, with handles where the browser has them: with one, a reload does not end a transfer. */
import { element } from '../common/dom.ts';

export interface ChosenFile {
  readonly file: File;
  readonly handle?: FileSystemFileHandle | undefined;
}

declare global {
  interface DataTransferItem {
    getAsFileSystemHandle?(): Promise<FileSystemHandle | null>;
  }
  interface Window {
    showOpenFilePicker?(options?: { multiple?: boolean }): Promise<FileSystemFileHandle[]>;
    showSaveFilePicker?(options?: { suggestedName?: string }): Promise<FileSystemFileHandle>;
  }
}

/** What a drop or a paste has. Its items are gone after the event, so that all of them are asked for at once. */
export async function filesOf(data: DataTransfer): Promise<{ files: ChosenFile[]; hasFolder: boolean }> {
  const items = [...data.items].filter(({ kind }) => kind === 'file');
  const found = await Promise.all(
    items.map(async (item) => {
      const file = item.getAsFile();
      const isFolder = item.webkitGetAsEntry?.()?.isDirectory ?? false;
      const handle = await item.getAsFileSystemHandle?.().catch(() => null);
      if (isFolder || !file) return undefined;
      return { file, ...(handle instanceof FileSystemFileHandle && { handle }) };
    }),
  );
  const files = found.filter((one) => one !== undefined);
  return { files, hasFolder: files.length < items.length };
}

/** Lets the user choose files. @returns none if they do not want to @param multiple more than one */
export async function pickFiles(multiple: boolean): Promise<ChosenFile[]> {
  if (!window.showOpenFilePicker) return pickByInput(multiple);
  try {
    const handles = await window.showOpenFilePicker({ multiple });
    return await Promise.all(handles.map(async (handle) => ({ file: await handle.getFile(), handle })));
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return [];
    return pickByInput(multiple);
  }
}

function pickByInput(multiple: boolean): Promise<ChosenFile[]> {
  const input = element('input', { type: 'file', multiple });
  const { promise, resolve } = Promise.withResolvers<ChosenFile[]>();
  input.addEventListener('change', () => resolve([...(input.files ?? [])].map((file) => ({ file }))));
  input.addEventListener('cancel', () => resolve([]));
  input.click();
  return promise;
}
