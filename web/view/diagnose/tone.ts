/** A test tone as a WAV file. */

const SAMPLE_RATE = 16_000;
/** Two notes, in hertz: people with poor hearing of high or low ones hear one of them. Each lasts so many seconds. */
const NOTES = { frequencies: [440, 660], duration: 0.6 };
const VOLUME = 0.3;
/** Of a fade at both ends of a note, in seconds: without it, it would begin with a click. */
const FADE = 0.03;

/** RIFF WAVE, 16 bits, mono. */
export function toneFile(): Blob {
  const length = Math.round(SAMPLE_RATE * NOTES.duration);
  const samples = new Int16Array(length * NOTES.frequencies.length);
  NOTES.frequencies.forEach((frequency, note) => {
    for (let index = 0; index < length; index += 1) {
      const time = index / SAMPLE_RATE;
      const fade = Math.min(1, time / FADE, (NOTES.duration - time) / FADE);
      const wave = Math.sin(2 * Math.PI * frequency * time);
      samples[note * length + index] = Math.round(32_767 * VOLUME * fade * wave);
    }
  });
  return new Blob([header(samples.byteLength), samples], { type: 'audio/wav' });
}

function header(dataBytes: number): ArrayBuffer {
  const view = new DataView(new ArrayBuffer(44));
  const text = (offset: number, value: string) =>
    [...value].forEach((character, index) => {
      view.setUint8(offset + index, character.charCodeAt(0));
    });
  text(0, 'RIFF');
  view.setUint32(4, 36 + dataBytes, true);
  text(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, SAMPLE_RATE, true);
  view.setUint32(28, SAMPLE_RATE * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, 'data');
  view.setUint32(40, dataBytes, true);
  return view.buffer;
}
