/** Marks transfers as being worked on by this page, so that no other page of the same browser takes them over. */

/** @returns how to end it, which the end of the page does as well; undefined if another page has it */
export async function lockTransfer(name: string): Promise<(() => void) | undefined> {
  if (!navigator.locks) return () => {};
  const acquired = Promise.withResolvers<boolean>();
  const released = Promise.withResolvers<void>();
  void navigator.locks.request(`weir-files-${name}`, { ifAvailable: true }, (held) => {
    acquired.resolve(held !== null);
    return held === null ? undefined : released.promise;
  });
  return (await acquired.promise) ? () => released.resolve() : undefined;
}
