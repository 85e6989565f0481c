/** Waits that end with an AbortSignal. */

/** Resolves after `time` milliseconds. @throws the reason of the signal */
export function wait(time: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const aborted = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', aborted);
      resolve();
    }, time);
    signal.addEventListener('abort', aborted, { once: true });
  });
}

/** Whether `fact` became true within `time` milliseconds. It is checked every 50 ms. @throws the reason of the signal */
export async function becomes(fact: () => boolean, time: number, signal: AbortSignal): Promise<boolean> {
  for (const end = performance.now() + time; performance.now() < end; await wait(50, signal)) {
    if (fact()) return true;
  }
  return fact();
}
