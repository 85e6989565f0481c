/** What a session uses of the judgement of connections. */
export { JoinReporter } from './JoinReporter.ts';
export { QualityMonitor } from './QualityMonitor.ts';
export { sampleOf } from './QualitySample.ts';
