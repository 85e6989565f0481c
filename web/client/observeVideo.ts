/** Owns how large a video element is seen: the only place in the SDK that knows of a page. */

import type { VideoSettings, VideoSource } from './MediaLink.ts';
import type { RoomClient } from './RoomClient.ts';

/** Device pixels; 0 by 0 when nobody sees it. */
export interface VisibleSize {
  readonly width: number;
  readonly height: number;
}

const NOTHING: VisibleSize = { width: 0, height: 0 };

export interface ObserveVideoOptions extends Pick<VideoSettings, 'priority'> {
  readonly peerId: string;
  readonly source: VideoSource;
}

/**
 * Makes a peer's video come in the size in which this element shows it, and not at all while nobody sees it. After some
 * seconds of that its track is removed (`trackRemoved`), and another one added when it is seen again: keep the element
 * for as long as `peer.sources` has the source, and give it each track.
 * @returns a function that ends it; the video then counts as not seen
 * @example
 * room.on('trackAdded', ({ peer, source, track }) => {
 *   const video = show(track);
 *   if (source === 'camera') watchElement(room, video, { peerId: peer.peerId, source });
 * });
 */
export function observeVideo(
  room: Pick<RoomClient, 'updateTrackSettings'>,
  element: HTMLVideoElement,
  { peerId, source, priority }: ObserveVideoOptions,
): () => void {
  const end = observeVisibleSize(element, (size) => room.updateTrackSettings(peerId, source, { ...size, priority }));
  return () => {
    end();
    room.updateTrackSettings(peerId, source, undefined);
  };
}

/**
 * Tells how large a video element is seen, now and whenever that changes: nothing outside of the document, scrolled out
 * of view or on a page that is hidden, unless it plays as picture in picture.
 * @returns a function that ends it
 */
export function observeVisibleSize(element: HTMLVideoElement, onChange: (size: VisibleSize) => void): () => void {
  let size: VisibleSize = NOTHING;
  /** Undefined until the browser has looked. */
  let inView: boolean | undefined;
  let told: VisibleSize | undefined;
  let picture: PictureInPictureWindow | undefined;
  const now = (): VisibleSize | undefined => {
    if (picture) return toDevice(picture.width, picture.height);
    if (document.hidden) return NOTHING;
    if (inView === undefined) return undefined;
    return inView ? size : NOTHING;
  };
  const tell = () => {
    const seen = now();
    if (!seen || (told && seen.width === told.width && seen.height === told.height)) return;
    told = seen;
    onChange(seen);
  };
  const unwatch = observe(element, {
    onResize: (next) => {
      size = next;
      tell();
    },
    onSight: (next) => {
      inView = next;
      tell();
    },
  });
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
    unwatch();
  };
}

interface Watcher {
  onResize(size: VisibleSize): void;
  onSight(inView: boolean): void;
}

const watchers = new Map<Element, Watcher>();
let observers: { resizes: ResizeObserver; sights: IntersectionObserver } | undefined;

/** One pair of observers for all elements: what changes together is told in one turn, and the server in one request. */
function observe(element: Element, watcher: Watcher): () => void {
  observers ??= {
    resizes: new ResizeObserver((entries) => {
      for (const entry of entries) {
        // Not every browser has the first of them.
        const [pixels] = entry.devicePixelContentBoxSize ?? [];
        watchers
          .get(entry.target)
          ?.onResize(
            pixels
              ? { width: pixels.inlineSize, height: pixels.blockSize }
              : toDevice(entry.contentRect.width, entry.contentRect.height),
          );
      }
    }),
    sights: new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) watchers.get(target)?.onSight(isIntersecting);
    }),
  };
  const { resizes, sights } = observers;
  watchers.set(element, watcher);
  // Whoever watches an element that was watched already is told anew.
  resizes.unobserve(element);
  sights.unobserve(element);
  resizes.observe(element);
  sights.observe(element);
  return () => {
    if (watchers.get(element) !== watcher) return;
    watchers.delete(element);
    resizes.unobserve(element);
    sights.unobserve(element);
  };
}

function toDevice(width: number, height: number): VisibleSize {
  return { width: Math.round(width * devicePixelRatio), height: Math.round(height * devicePixelRatio) };
}
