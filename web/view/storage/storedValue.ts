/** One string in the browser's storage. Where storage is disabled, nothing is stored and nothing fails. */

export interface StoredValue {
  /** @returns an empty string where nothing is stored */
  get(): string;
  set(value: string): void;
  remove(): void;
}

/** @param storage such as `() => localStorage`: reading the property itself can throw */
export function storedValue(storage: () => Storage, key: string): StoredValue {
  const attempt = <T>(action: () => T, fallback: T): T => {
    try {
      return action();
    } catch {
      return fallback;
    }
  };
  return {
    get: () => attempt(() => storage().getItem(key) ?? '', ''),
    set: (value) => attempt(() => storage().setItem(key, value), undefined),
    remove: () => attempt(() => storage().removeItem(key), undefined),
  };
}
