/** Reads a QR code off a terminal, as a phone's camera does: by another library than the one that has drawn it. */
import jsQR from 'jsqr';

/** Pixels for each module. */
const SCALE = 4;
/** Light is drawn: upper and lower half of a character. */
const halves: Readonly<Record<string, readonly [boolean, boolean]>> = {
  '█': [true, true],
  '▀': [true, false],
  '▄': [false, true],
  ' ': [false, false],
};

/** @param output lines, some of which are a code of half blocks @returns what a scanner reads; undefined without a code */
export function scanned(output: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours of a terminal
  const lines = output.replace(/\x1b\[[\d;]*m/g, '').split(/\r?\n/);
  const rows = lines.filter((line) => /^[█▀▄][█▀▄ ]+$/.test(line)).map((line) => [...line]);
  const modules = rows.flatMap((row) =>
    [0, 1].map((half) => row.map((character) => halves[character]?.[half] ?? false)),
  );
  const width = (modules[0]?.length ?? 0) * SCALE;
  const height = modules.length * SCALE;
  const pixels = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const light = modules[Math.floor(y / SCALE)]?.[Math.floor(x / SCALE)];
      pixels.fill(light ? 255 : 0, (y * width + x) * 4, (y * width + x) * 4 + 3);
    }
  }
  return width === 0 ? undefined : jsQR.default(pixels, width, height, { inversionAttempts: 'dontInvert' })?.data;
}
