/** A video for tests of a connection: a still picture, or noise that takes all the bitrate that it gets. */

/** Small pictures: an encoder fills megabits with their noise at little cost for the processor. */
const SIZE = { width: 192, height: 108 };
const FRAMES_PER_SECOND = 30;
/** How many pictures of noise are drawn in turn: more than an encoder keeps for reference. */
const PICTURES = 12;

export class TestVideo {
  readonly track: MediaStreamTrack;
  #pictures: readonly ImageData[] = [];
  #isNoise = false;

  /** @param closed ends it when aborted */
  constructor(closed: AbortSignal) {
    const canvas = Object.assign(document.createElement('canvas'), SIZE);
    const context = canvas.getContext('2d');
    const [track] = canvas.captureStream(FRAMES_PER_SECOND).getVideoTracks();
    if (!context || !track) throw new Error('This browser cannot capture a canvas.');
    this.track = track;
    let count = 0;
    const draw = () => {
      const picture = this.#isNoise ? this.#pictures[count % PICTURES] : undefined;
      if (picture) context.putImageData(picture, 0, 0);
      // A canvas gives a frame only when something is drawn.
      else context.fillRect(0, 0, SIZE.width, SIZE.height);
      count += 1;
    };
    draw();
    const timer = setInterval(draw, 1000 / FRAMES_PER_SECOND);
    closed.addEventListener('abort', () => {
      clearInterval(timer);
      track.stop();
    });
  }

  /** Shows noise, or a still picture. */
  setNoise(on: boolean): void {
    if (on && this.#pictures.length === 0) this.#pictures = Array.from({ length: PICTURES }, noise);
    this.#isNoise = on;
  }
}

function noise(): ImageData {
  const image = new ImageData(SIZE.width, SIZE.height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let index = 0; index < pixels.length; index += 1) pixels[index] = 0xff000000 | (Math.random() * 0x1000000);
  return image;
}
