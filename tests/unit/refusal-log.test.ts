/** Tests of the log of refused requests: a flood does not reach the level of operation. */
import { expect, test, vi } from 'vitest';
import { RefusalLog } from '../../server/common/RefusalLog.ts';

test('writes refused requests at info while they are few, and none is lost at debug', () => {
  vi.useFakeTimers();
  try {
    const log = { info: vi.fn(), debug: vi.fn() };
    const refusals = new RefusalLog();
    const write = (count: number) => {
      for (let n = 0; n < count; n++) refusals.write(log, { n });
    };
    write(200);
    expect(log.debug).not.toHaveBeenCalled();
    write(300);
    expect(log.info).toHaveBeenCalledTimes(200);
    expect(log.debug).toHaveBeenCalledTimes(300);
    vi.advanceTimersByTime(1000);
    write(20);
    expect(log.info).toHaveBeenCalledTimes(210);
    expect(log.info).toHaveBeenLastCalledWith({ n: 9 }, 'request refused');
  } finally {
    vi.useRealTimers();
  }
});
