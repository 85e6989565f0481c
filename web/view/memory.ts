/** Owns what the page remembers on this device. */

const key = 'weir.name';

/** The name that was used last; storage that is switched off is no reason to fail. */
export const lastName = {
  get(): string {
    try {
      return localStorage.getItem(key) ?? '';
    } catch {
      return '';
    }
  },
  set(name: string): void {
    try {
      localStorage.setItem(key, name);
    } catch {
      // Then it is asked for again next time.
    }
  },
};
