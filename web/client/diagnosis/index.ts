/** What an application needs to test a connection to a server: loaded on demand, since a call needs none of it. */
export { LevelMeter } from '../devices/LevelMeter.ts';
export { wait } from './abortable.ts';
export { measureServer, type ServerTimes } from './measureServer.ts';
export { type DirectionStats, measureThroughput, type ThroughputResult } from './measureThroughput.ts';
export { median } from './median.ts';
export { type MediaPath, type MediaPathResult, mediaPaths, testMediaPath } from './mediaPath.ts';
export { isPrivateAddress } from './privateAddress.ts';
