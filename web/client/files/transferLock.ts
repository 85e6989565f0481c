/** Marks transfers as being worked on by this page, so that no other page of the same browser takes them over. */

/** @returns how to end it, which the end of the page does as well; undefined if another page has it */
export async function lockTransfer(name: string): Promise<(() => void) | undefined> {
  if (!navigator.locks) return () => {};
  const acquired = Promise.withResolvers<boolean>();
  const released = Promise.withResolvers<void>();
  const held = navigator.locks.request(`weir-files-${name}`, { ifAvailable: true }, (lock) => {
    acquired.resolve(lock !== null);
    return lock === null ? undefined : released.promise;
  });
  // As without locks, where the browser refuses them to this page.
  held.catch(() => acquired.resolve(true));
  return (await acquired.promise) ? () => released.resolve() : undefined;
}
