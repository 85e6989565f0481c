/** Owns how large a video element is seen: the only place in the SDK that knows of a page. */
import type { RoomClient } from './RoomClient.ts';
import type { ViewSize, ViewSource } from './Views.ts';

/** Device pixels; 0 by 0 when nobody sees it. */
export interface SeenSize {
  readonly width: number;
  readonly height: number;
}

export interface WatchOptions extends Pick<ViewSize, 'priority'> {
  readonly peerId: string;
  readonly source: ViewSource;
}

/**
 * Makes a peer's video come in the size in which this element shows it, and not at all while nobody sees it.
 * @returns a function that ends it; the video then counts as not seen
 * @example
 * room.on('trackAdded', ({ peer, source, track }) => {
 *   const video = show(track);
 *   if (source === 'camera') watchElement(room, video, { peerId: peer.peerId, source });
 * });
 */
export function watchElement(
  room: Pick<RoomClient, 'setView'>,
  element: HTMLVideoElement,
  { peerId, source, priority }: WatchOptions,
): () => void {
  const end = seenSize(element, (size) => room.setView(peerId, source, { ...size, priority }));
  return () => {
    end();
    room.setView(peerId, source, undefined);
  };
}

/**
 * Tells how large a video element is seen, now and whenever that changes: nothing outside of the document, scrolled out
 * of view or on a page that is hidden, unless it plays as picture in picture.
 * @returns a function that ends it
 */
export function seenSize(element: HTMLVideoElement, onChange: (size: SeenSize) => void): () => void {
  let size: SeenSize = { width: 0, height: 0 };
  /** Undefined until the browser has looked. */
  let inView: boolean | undefined;
  let told: SeenSize | undefined;
  let picture: PictureInPictureWindow | undefined;
  const tell = () => {
    const seen = now();
    if (!seen || (told && seen.width === told.width && seen.height === told.height)) return;
    told = seen;
    onChange(seen);
  };
  const now = (): SeenSize | undefined => {
    if (picture) return toDevice(picture.width, picture.height);
    if (document.hidden) return { width: 0, height: 0 };
    if (inView === undefined) return undefined;
    return inView ? size : { width: 0, height: 0 };
  };
  const resizes = new ResizeObserver(([entry]) => {
    if (!entry) return;
    // Not every browser has the first of them.
    const [pixels] = entry.devicePixelContentBoxSize ?? [];
    size = pixels
      ? { width: pixels.inlineSize, height: pixels.blockSize }
      : toDevice(entry.contentRect.width, entry.contentRect.height);
    tell();
  });
  resizes.observe(element);
  const sights = new IntersectionObserver((entries) => {
    inView = entries.at(-1)?.isIntersecting ?? false;
    tell();
  });
  sights.observe(element);
  const ended = new AbortController();
  const { signal } = ended;
  document.addEventListener('visibilitychange', tell, { signal });
  const enter = (event: Event) => {
    if (!('pictureInPictureWindow' in event) || !(event.pictureInPictureWindow instanceof PictureInPictureWindow))
      return;
    picture = event.pictureInPictureWindow;
    picture.addEventListener('resize', tell, { signal });
    tell();
  };
  const leave = () => {
    picture = undefined;
    tell();
  };
  element.addEventListener('enterpictureinpicture', enter, { signal });
  element.addEventListener('leavepictureinpicture', leave, { signal });
  tell();
  return () => {
    ended.abort();
    resizes.disconnect();
    sights.disconnect();
  };
}

function toDevice(width: number, height: number): SeenSize {
  return { width: Math.round(width * devicePixelRatio), height: Math.round(height * devicePixelRatio) };
}
