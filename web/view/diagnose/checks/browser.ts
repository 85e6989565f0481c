/** Tests what the browser can do. */

import { translateDiagnose } from '../../locales/diagnose.ts';
import { translate } from '../../locales/index.ts';
import type { Check } from '../Check.ts';

export interface BrowserCapabilities {
  /** Without it, browsers give pages no devices. */
  readonly secureContext: boolean;
  readonly webRtc: boolean;
  /** Names of video codecs, such as `VP8`: those that it can both send and receive. */
  readonly videoCodecs: readonly string[];
  readonly opus: boolean;
  readonly simulcast: boolean;
  readonly screenShare: boolean;
  readonly speakerSelection: boolean;
}

export function browserCheck(capabilities: () => Promise<BrowserCapabilities>): Check {
  return {
    name: 'browser',
    async run() {
      const { videoCodecs, ...flags } = await capabilities();
      const figures = { ...flags, videoCodecs: videoCodecs.join(' ') };
      const lacksCodecs = !flags.opus || !videoCodecs.some((codec) => codec === 'VP8' || codec === 'H264');
      if (!flags.webRtc || lacksCodecs) {
        const text = translateDiagnose(flags.webRtc ? 'browserNoCodecs' : 'browserNoWebRtc');
        return { grade: 'bad', text, advice: translateDiagnose('browserAdvice'), figures };
      }
      if (!flags.secureContext) return { grade: 'bad', text: translate('insecure'), figures };
      const codecs = videoCodecs.join(', ');
      if (!flags.simulcast)
        return { grade: 'fair', text: translateDiagnose('browserNoSimulcast', { codecs }), figures };
      const text = translateDiagnose(flags.screenShare ? 'browserGood' : 'browserNoScreen', { codecs });
      return { grade: 'good', text, figures };
    },
  };
}
