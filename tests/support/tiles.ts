/** Reads a page's tiles (name, colour of the picture, tone of the voice) and its statistics. */

import { type Colour, colours } from '../../scripts/support/browsers/captures.ts';
import type { Source, SourceStates, TrackStats } from '../../web/client/index.ts';

declare global {
  interface Window {
    /** An analyser for each remote audio stream of the page. */
    ears?: WeakMap<MediaStream, AnalyserNode>;
  }
}

/** A page of Playwright or of Puppeteer. */
export interface Drivable {
  evaluate<T>(inPage: () => T | Promise<T>): Promise<T>;
}

/** State of one remote tile. */
export interface SeenTile {
  readonly name: string;
  readonly peerId: string;
  /** Whether it is the tile of a screen. */
  readonly screen: boolean;
  /** It shows video rather than initials. */
  readonly live: boolean;
  /** It shows the mark of a muted microphone. */
  readonly muted: boolean;
  /** A known test colour, another one as `rgb(...)`, or undefined without video. */
  readonly colour: Colour | string | undefined;
  /** In hertz, to the next ten; undefined in silence. */
  readonly tone: number | undefined;
}

/** Tolerance of each colour channel after encoding. */
const TOLERANCE = 45;

/** All remote tiles of a page, in document order. */
export async function tilesOn(page: Drivable): Promise<SeenTile[]> {
  const tiles = await page.evaluate(readTiles);
  return tiles.map(({ rgb, hertz, ...tile }) => ({
    ...tile,
    colour: rgb && colourName(rgb),
    tone: hertz && Math.round(hertz / 10) * 10,
  }));
}

/** Colour and tone by the name on each tile; two tiles with one name are an error. */
export async function peopleOn(page: Drivable): Promise<Record<string, Pick<SeenTile, 'colour' | 'tone'>>> {
  const tiles = (await tilesOn(page)).filter(({ screen }) => !screen);
  const people = Object.fromEntries(tiles.map(({ name, colour, tone }) => [name, { colour, tone }]));
  if (Object.keys(people).length < tiles.length) throw new Error(`one person, two tiles: ${JSON.stringify(tiles)}`);
  return people;
}

/** The only tile of a participant, or undefined. */
export async function tileOf(page: Drivable, name: string): Promise<SeenTile | undefined> {
  const tiles = (await tilesOn(page)).filter((tile) => tile.name === name && !tile.screen);
  if (tiles.length > 1) throw new Error(`${tiles.length} tiles of ${name}`);
  return tiles[0];
}

/** The statistics of the page's room client. */
export function statsOf(page: Drivable): Promise<TrackStats[]> {
  return page.evaluate(async () => (await window.weir?.getStats()) ?? []);
}

/** RTP packets and decoded frames of one source of a peer; undefined when it is not received. */
export async function receivedOf(page: Drivable, peerId: string, source: Source): Promise<TrackStats | undefined> {
  return (await statsOf(page)).find(
    (track) => track.direction === 'receive' && track.peerId === peerId && track.source === source,
  );
}

/** Publications of a page. */
export function sourcesOf(page: Drivable): Promise<SourceStates | undefined> {
  return page.evaluate(() => window.weir?.sources);
}

/** The published microphone. */
export function microphoneOf(page: Drivable): Promise<{ label?: string; readyState?: string; enabled?: boolean }> {
  return page.evaluate(() => {
    const { label, readyState, enabled } = window.weir?.localTrack('microphone') ?? {};
    return { label, readyState, enabled };
  });
}

function colourName(rgb: readonly number[]): Colour | string {
  for (const [name, wanted] of Object.entries(colours)) {
    if (wanted.every((value, channel) => Math.abs(value - (rgb[channel] ?? -1)) <= TOLERANCE)) return name;
  }
  return `rgb(${rgb.join(', ')})`;
}

/** Runs in the page, in any browser; it may use nothing from outside. */
function readTiles() {
  const seen = (video: HTMLVideoElement | null): number[] | undefined => {
    if (!video || video.videoWidth === 0 || video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return undefined;
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 1;
    const brush = canvas.getContext('2d');
    brush?.drawImage(video, video.videoWidth / 2, video.videoHeight / 2, 1, 1, 0, 0, 1, 1);
    return [...(brush?.getImageData(0, 0, 1, 1).data ?? [])].slice(0, 3);
  };
  const earOf = (stream: MediaStream): AnalyserNode => {
    window.ears ??= new WeakMap();
    const known = window.ears.get(stream);
    if (known) return known;
    const context = new AudioContext();
    void context.resume();
    const ear = new AnalyserNode(context, { fftSize: 8192, smoothingTimeConstant: 0 });
    context.createMediaStreamSource(stream).connect(ear);
    window.ears.set(stream, ear);
    return ear;
  };
  /** The strongest frequency above the noise floor. An element that does not play is silent. */
  const heard = (audio: HTMLAudioElement | null): number | undefined => {
    if (!audio || audio.paused || !(audio.srcObject instanceof MediaStream)) return undefined;
    const ear = earOf(audio.srcObject);
    const spectrum = new Float32Array(ear.frequencyBinCount);
    ear.getFloatFrequencyData(spectrum);
    const peak = spectrum.indexOf(Math.max(...spectrum));
    if ((spectrum[peak] ?? -Infinity) < -70) return undefined;
    return (peak * ear.context.sampleRate) / ear.fftSize;
  };
  const voiceOf = ({ peerId, screenOf }: DOMStringMap): HTMLAudioElement | null => {
    const source = screenOf === undefined ? 'microphone' : 'screenAudio';
    return document.querySelector(`audio[data-audio-of="${peerId ?? screenOf}"][data-source="${source}"]`);
  };
  return [...document.querySelectorAll<HTMLElement>('[data-peer-id], [data-screen-of]')].map((tile) => ({
    name: tile.querySelector('.chip .label')?.textContent ?? '',
    peerId: tile.dataset.peerId ?? tile.dataset.screenOf ?? '',
    screen: tile.dataset.screenOf !== undefined,
    live: tile.classList.contains('playing'),
    muted: tile.querySelector<HTMLElement>('.status-icon.muted')?.checkVisibility() ?? false,
    rgb: seen(tile.querySelector('video')),
    hertz: heard(voiceOf(tile.dataset)),
  }));
}
