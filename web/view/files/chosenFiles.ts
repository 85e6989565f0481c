/** Lets people choose files, with handles where the browser has them. */
import { element } from '../common/dom.ts';
import type { ChosenFile } from './droppedFiles.ts';

declare global {
  interface Window {
    showOpenFilePicker?(options?: { multiple?: boolean }): Promise<FileSystemFileHandle[]>;
    showSaveFilePicker?(options?: { suggestedName?: string }): Promise<FileSystemFileHandle>;
  }
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
