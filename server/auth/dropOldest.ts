/** Bounds the size of a map. */

/** Deletes entries from the front (the oldest, by insertion) until at most `limit` are left. */
export function dropOldest(map: Map<string, unknown>, limit: number): void {
  for (const key of map.keys()) {
    if (map.size <= limit) return;
    map.delete(key);
  }
}
