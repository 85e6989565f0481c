/** The preferences that are stored on this device. */
import { storedValue } from './storedValue.ts';

const preference = (name: string) => storedValue(() => localStorage, `weir.${name}`);

export const preferences = {
  name: preference('name'),
  camera: preference('camera'),
  microphone: preference('microphone'),
  speaker: preference('speaker'),
  cameraOff: preference('cameraOff'),
  microphoneOff: preference('microphoneOff'),
  language: preference('language'),
  theme: preference('theme'),
  layout: preference('layout'),
  corner: preference('corner'),
  rooms: preference('rooms'),
};
