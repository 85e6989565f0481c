/** Tests of file transfers in browsers that refuse their storage or locks to the page: files still arrive. */
import { afterEach, beforeEach, test, vi } from 'vitest';
import { until } from '../../scripts/support/until.ts';
import { FilePair, randomFile } from '../support/files/FilePair.ts';

const refused = () => Promise.reject(new DOMException('refused', 'SecurityError'));
let pair: FilePair | undefined;

beforeEach(() => {
  const folder = {
    keys: () => {
      throw new DOMException('refused', 'NotFoundError');
    },
    getDirectoryHandle: refused,
  };
  const root = { getDirectoryHandle: async () => folder };
  vi.stubGlobal(
    'FileSystemFileHandle',
    class {
      createWritable() {}
    },
  );
  vi.stubGlobal('navigator', {
    storage: { getDirectory: async () => root, estimate: async () => ({ quota: 1e9, usage: 0 }) },
    locks: { request: refused },
  });
});
afterEach(() => {
  pair?.close();
  vi.unstubAllGlobals();
});

test('a file arrives where nothing of former pages can be read, nothing locked and nothing stored', async () => {
  pair = new FilePair();
  const { a, b } = pair;
  const [{ id } = { id: '' }] = await a.transfers.send(randomFile(100_000), ['peer-b']);
  await until('the offer', 8000, () => b.transfers.transfers.some((one) => one.id === id));
  await b.transfers.accept(id);
  await until('the file', 8000, () => pair?.transfer('b').state === 'completed');
});
