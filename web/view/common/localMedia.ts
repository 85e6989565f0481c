/** Local devices as the user left them the last time. */
import { LocalMedia } from '../../client/index.ts';
import { preferences } from '../storage/preferences.ts';

/** With the devices that were chosen the last time; starts none. A choice is stored once its device has been opened. */
export function createLocalMedia(): LocalMedia {
  const media = new LocalMedia({ camera: preferences.camera.get(), microphone: preferences.microphone.get() });
  media.on('chosen', ({ source, deviceId }) => preferences[source].set(deviceId));
  return media;
}

/** Starts camera and microphone, except what was off the last time. */
export function startPreferredDevices(media: LocalMedia): LocalMedia {
  if (!preferences.cameraOff.get()) void media.start('camera');
  if (!preferences.microphoneOff.get()) void media.start('microphone');
  return media;
}
