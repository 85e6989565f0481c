/** Tracks that a page makes by itself: a canvas that is drawn on, and an oscillator. */

/** How often a canvas is drawn, in milliseconds. Fewer frames would count as a frozen video. */
const FRAME_INTERVAL = 100;

export interface DrawnTrack {
  readonly track: MediaStreamTrack;
  /** How many frames have been drawn; 0 for audio. */
  readonly frames: () => number;
  stop(): void;
}

/** A video of one colour, with a bar that moves. @param colour as CSS has it */
export function drawnVideo({ width, height }: { width: number; height: number }, colour: string): DrawnTrack {
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const brush = canvas.getContext('2d');
  let frames = 0;
  const draw = () => {
    if (!brush) return;
    brush.fillStyle = colour;
    brush.fillRect(0, 0, width, height);
    brush.fillStyle = 'white';
    brush.fillRect((frames * 8) % width, 0, 8, 8);
    frames += 1;
  };
  draw();
  const [track] = canvas.captureStream().getVideoTracks();
  if (!track) throw new Error('the canvas gave no track');
  const timer = setInterval(draw, FRAME_INTERVAL);
  const stop = () => {
    clearInterval(timer);
    track.stop();
  };
  return { track, frames: () => frames, stop };
}

let context: AudioContext | undefined;

/** A sine. @param frequency in hertz */
export function drawnAudio(frequency: number): DrawnTrack {
  context ??= new AudioContext();
  const destination = context.createMediaStreamDestination();
  const oscillator = new OscillatorNode(context, { frequency });
  oscillator.connect(destination);
  oscillator.start();
  const [track] = destination.stream.getAudioTracks();
  if (!track) throw new Error('the oscillator gave no track');
  const stop = () => {
    oscillator.stop();
    track.stop();
  };
  return { track, frames: () => 0, stop };
}
