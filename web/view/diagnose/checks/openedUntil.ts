/** Opens a device that closes by itself. */

/**
 * A track that stops when `closed` is aborted. Somebody may take a minute to permit a device: a track that comes after
 * `signal` is aborted stops at once.
 * @throws what `open` throws; the reason of `signal`, without waiting for the device
 */
export async function openedUntil(
  open: () => Promise<MediaStreamTrack>,
  closed: AbortSignal,
  signal: AbortSignal,
): Promise<MediaStreamTrack> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  const opening = open();
  opening.then(
    (track) => {
      if (signal.aborted || closed.aborted) track.stop();
      closed.addEventListener('abort', () => track.stop(), { once: true });
    },
    () => {},
  );
  try {
    return await Promise.race([opening, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
