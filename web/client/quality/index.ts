/** What a session uses of the judgement of connections. */
export { QualityMonitor } from './QualityMonitor.ts';
export { sampleOf } from './QualitySample.ts';
