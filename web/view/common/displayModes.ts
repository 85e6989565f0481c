/** Full screen and picture-in-picture. */

/** @param root the element that fills the screen */
export function toggleFullScreen(root: HTMLElement): void {
  const done = document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen();
  done.catch(() => {});
}

/** @param video the one to show in a window of its own; without one nothing is opened */
export function togglePictureInPicture(video: HTMLVideoElement | undefined): void {
  const done = document.pictureInPictureElement ? document.exitPictureInPicture() : video?.requestPictureInPicture();
  done?.catch(() => {});
}
