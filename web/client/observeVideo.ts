/** Observes the visible size of video elements: the only part of the SDK that uses the DOM. */

import type { VideoSettings, VideoSource } from './MediaLink.ts';
import type { RoomClient } from './RoomClient.ts';

/** In device pixels; 0 by 0 while the element is not visible. */
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
 * Requests a peer's video in the size in which this element shows it, and no video while the element is not visible. After
 * some seconds without, its track is removed (`trackRemoved`), and another one is added when the element is visible again:
 * keep the element as long as `peer.sources` has the source, and assign it each track.
 * @returns a function that ends the observation; the video then counts as not visible
 * @example
 * room.on('trackAdded', ({ peer, source, track }) => {
 *   const video = show(track);
 *   if (source === 'camera') observeVideo(room, video, { peerId: peer.peerId, source });
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
 * Calls `onChange` with the visible size of a video element, now and after each change. It is 0 by 0 outside of the document,
 * scrolled out of view or on a hidden page, unless the element plays as picture-in-picture.
 * @returns a function that ends the observation
 */
export function observeVisibleSize(element: HTMLVideoElement, onChange: (size: VisibleSize) => void): () => void {
  let size: VisibleSize = NOTHING;
  /** Undefined until the first report of the IntersectionObserver. */
  let inView: boolean | undefined;
  let reported: VisibleSize | undefined;
  let picture: PictureInPictureWindow | undefined;
  const now = (): VisibleSize | undefined => {
    if (picture) return toDevice(picture.width, picture.height);
    if (document.hidden) return NOTHING;
    if (inView === undefined) return undefined;
    return inView ? size : NOTHING;
  };
  const report = () => {
    const visible = now();
    if (!visible || (reported && visible.width === reported.width && visible.height === reported.height)) return;
    reported = visible;
    onChange(visible);
  };
  const stop = observe(element, {
    onResize: (next) => {
      size = next;
      report();
    },
    onVisibility: (next) => {
      inView = next;
      report();
    },
  });
  const ended = new AbortController();
  const { signal } = ended;
  document.addEventListener('visibilitychange', report, { signal });
  const enter = (event: Event) => {
    if (!('pictureInPictureWindow' in event) || !(event.pictureInPictureWindow instanceof PictureInPictureWindow))
      return;
    picture = event.pictureInPictureWindow;
    picture.addEventListener('resize', report, { signal });
    report();
  };
  const leave = () => {
    picture = undefined;
    report();
  };
  element.addEventListener('enterpictureinpicture', enter, { signal });
  element.addEventListener('leavepictureinpicture', leave, { signal });
  report();
  return () => {
    ended.abort();
    stop();
  };
}

interface ElementCallbacks {
  onResize(size: VisibleSize): void;
  onVisibility(inView: boolean): void;
}

const callbacksOf = new Map<Element, ElementCallbacks>();
let observers: { resizes: ResizeObserver; intersections: IntersectionObserver } | undefined;

/** One pair of observers for all elements: changes of one layout are reported in one turn, and sent in one request. */
function observe(element: Element, callbacks: ElementCallbacks): () => void {
  observers ??= {
    resizes: new ResizeObserver((entries) => {
      for (const entry of entries) {
        // Not every browser has `devicePixelContentBoxSize`.
        const [pixels] = entry.devicePixelContentBoxSize ?? [];
        callbacksOf
          .get(entry.target)
          ?.onResize(
            pixels
              ? { width: pixels.inlineSize, height: pixels.blockSize }
              : toDevice(entry.contentRect.width, entry.contentRect.height),
          );
      }
    }),
    intersections: new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) callbacksOf.get(target)?.onVisibility(isIntersecting);
    }),
  };
  const { resizes, intersections } = observers;
  callbacksOf.set(element, callbacks);
  // An element that is observed already is reported again to its new observer.
  resizes.unobserve(element);
  intersections.unobserve(element);
  resizes.observe(element);
  intersections.observe(element);
  return () => {
    if (callbacksOf.get(element) !== callbacks) return;
    callbacksOf.delete(element);
    resizes.unobserve(element);
    intersections.unobserve(element);
  };
}

function toDevice(width: number, height: number): VisibleSize {
  return { width: Math.round(width * devicePixelRatio), height: Math.round(height * devicePixelRatio) };
}
