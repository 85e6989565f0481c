/** Files of a drop or a paste, with handles where the browser has them: with one, a reload does not end a transfer. */

export interface ChosenFile {
  readonly file: File;
  readonly handle?: FileSystemFileHandle | undefined;
}

export interface DroppedFiles {
  readonly files: readonly ChosenFile[];
  readonly hasFolder: boolean;
}

declare global {
  interface DataTransferItem {
    getAsFileSystemHandle?(): Promise<FileSystemHandle | null>;
  }
}

/** What a drop or a paste has. Its items are gone after the event, so that all of them are asked for at once. */
export async function droppedFiles(data: DataTransfer): Promise<DroppedFiles> {
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
