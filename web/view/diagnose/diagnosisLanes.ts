/** The checks of one run, in their order: devices on one lane, network on another one. */

import { measureServer, measureThroughput, mediaPaths, testMediaPath } from '../../client/diagnosis/index.ts';
import { baseUrl } from '../../client/index.ts';
import { translateDiagnose } from '../locales/diagnose.ts';
import type { CheckName, Results } from './Check.ts';
import type { CheckRow } from './CheckRow.ts';
import { browserCapabilities } from './capabilities.ts';
import { browserCheck } from './checks/browser.ts';
import { cameraCheck } from './checks/camera.ts';
import { microphoneCheck } from './checks/microphone.ts';
import { pathChecks } from './checks/paths.ts';
import { serverChecks } from './checks/server.ts';
import { speakerCheck } from './checks/speaker.ts';
import { throughputCheck } from './checks/throughput.ts';
import { cameraPorts, microphonePorts, speakerPorts } from './DevicePorts.ts';
import type { Lane } from './runChecks.ts';
import { TestVideo } from './TestVideo.ts';

export interface LaneOptions {
  readonly rows: Readonly<Record<CheckName, CheckRow>>;
  /** The results so far. */
  readonly results: Results;
  /** Aborted when the run has ended: devices and media end with it. */
  readonly closed: AbortSignal;
  /** Aborted when its results are not shown any more: recordings end with it. */
  readonly discarded: AbortSignal;
}

export function diagnosisLanes({ rows, results, closed, discarded }: LaneOptions): readonly Lane[] {
  const camera = cameraCheck(cameraPorts(rows.camera.extras), closed);
  const onMicrophone = () => rows.microphone.show('running', translateDiagnose('microphoneSay'));
  const microphone = microphoneCheck(microphonePorts(rows.microphone.extras, discarded, onMicrophone));
  const speaker = speakerCheck(speakerPorts(rows.speaker.extras, discarded));
  const url = baseUrl;
  const server = serverChecks((signal) => measureServer({ url, signal }));
  let made: TestVideo | undefined;
  const video = () => {
    made ??= new TestVideo(closed);
    return made;
  };
  const reachable = () => server.reachable() && results.browser?.figures.webRtc !== false;
  const paths = pathChecks({
    reachable,
    test: (path, signal) => testMediaPath(path, { url, video: video().track, signal }),
  });
  const throughput = throughputCheck({
    reachable: () => mediaPaths.some((path) => results[path]?.figures.connected === true),
    measure: (signal) =>
      measureThroughput({ url, signal, video: video().track, saturate: (on) => video().setNoise(on) }),
  });
  return [
    [[camera], [microphone], [speaker]],
    [[browserCheck(browserCapabilities)], [server.signalling, server.clock], paths, [throughput]],
  ];
}
