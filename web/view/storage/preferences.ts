/** Owns what the page remembers on this device, and nothing else about anyone. */

function entry(name: string) {
  const key = `weir.${name}`;
  return {
    get(): string {
      try {
        return localStorage.getItem(key) ?? '';
      } catch {
        // Storage can be switched off; then nothing is remembered, and nothing fails.
        return '';
      }
    },
    set(value: string): void {
      try {
        localStorage.setItem(key, value);
      } catch {
        // As above.
      }
    },
  };
}

export const preferences = {
  name: entry('name'),
  camera: entry('camera'),
  microphone: entry('microphone'),
  speaker: entry('speaker'),
  cameraOff: entry('cameraOff'),
  microphoneOff: entry('microphoneOff'),
  language: entry('language'),
  theme: entry('theme'),
  layout: entry('layout'),
  corner: entry('corner'),
  rooms: entry('rooms'),
};
