/** Files that play as camera and microphone: pictures of one colour (y4m), voices of one tone (WAV). */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Colours that stay apart after any YUV conversion. */
export const colours = {
  red: [200, 30, 30],
  green: [30, 160, 30],
  blue: [30, 30, 200],
  grey: [128, 128, 128],
} as const;
export type Colour = keyof typeof colours;

/** A face and a voice; the frequency is in hertz and a whole number. */
export interface Looks {
  readonly colour: Colour;
  readonly tone: number;
}

const SIZE = { width: 320, height: 180, framesPerSecond: 10, frames: 3 };
const SOUND = { rate: 48_000, seconds: 4, amplitude: 0.5 };

/** The files of a test, in a directory of their own that goes away with it. */
export class Captures implements Disposable {
  /** Made at first use: a suite that is skipped leaves nothing behind. */
  #directory: string | undefined;

  /** @returns the paths of both files, as `launchChromium` takes them */
  make({ colour, tone }: Looks): { video: string; audio: string } {
    this.#directory ??= mkdtempSync(join(tmpdir(), 'weir-captures-'));
    const video = join(this.#directory, `${colour}.y4m`);
    const audio = join(this.#directory, `${tone}.wav`);
    writeFileSync(video, picture(colours[colour]));
    writeFileSync(audio, sound(tone));
    return { video, audio };
  }

  [Symbol.dispose](): void {
    if (this.#directory) rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** A film of one colour: planes of luma and of both chromas at half the size (BT.601, as webcams have it). */
function picture([r, g, b]: readonly [number, number, number]): Buffer {
  const { width, height, framesPerSecond, frames } = SIZE;
  const luma = Math.round(16 + (65.738 * r + 129.057 * g + 25.064 * b) / 256);
  const blue = Math.round(128 + (-37.945 * r - 74.494 * g + 112.439 * b) / 256);
  const red = Math.round(128 + (112.439 * r - 94.154 * g - 18.285 * b) / 256);
  const frame = Buffer.concat([
    Buffer.from('FRAME\n'),
    Buffer.alloc(width * height, luma),
    Buffer.alloc((width * height) / 4, blue),
    Buffer.alloc((width * height) / 4, red),
  ]);
  const head = `YUV4MPEG2 W${width} H${height} F${framesPerSecond}:1 Ip A1:1 C420jpeg\n`;
  return Buffer.concat([Buffer.from(head), ...Array<Buffer>(frames).fill(frame)]);
}

/** A sine. Seconds are whole and so is the frequency: the loop closes without a click. */
function sound(hertz: number): Buffer {
  const { rate, seconds, amplitude } = SOUND;
  return wav(rate, seconds, (at) => Math.sin(2 * Math.PI * hertz * at) * amplitude);
}

/** A WAV file, 16 bits mono, of what `wave` gives (-1 to 1) at each moment, in seconds. */
export function wav(rate: number, seconds: number, wave: (at: number) => number): Buffer {
  const bytes = rate * seconds * 2;
  const file = Buffer.alloc(44 + bytes);
  file.write('RIFF', 0);
  file.writeUInt32LE(36 + bytes, 4);
  file.write('WAVEfmt ', 8);
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(1, 22);
  file.writeUInt32LE(rate, 24);
  file.writeUInt32LE(rate * 2, 28);
  file.writeUInt16LE(2, 32);
  file.writeUInt16LE(16, 34);
  file.write('data', 36);
  file.writeUInt32LE(bytes, 40);
  for (let sample = 0; sample < rate * seconds; sample += 1) {
    file.writeInt16LE(Math.round(wave(sample / rate) * 0x7fff), 44 + sample * 2);
  }
  return file;
}
