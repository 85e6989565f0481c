/** Owns that controls go out of the way of a picture that fills the screen. */

/** So long without a movement, in milliseconds. */
const IDLE_TIMEOUT = 3000;

/** In full screen the bar goes away after a while without movement, and comes back with the first. */
export function autoHideControls(root: HTMLElement): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const onMove = () => {
    root.classList.remove('controls-hidden');
    clearTimeout(timer);
    if (!document.fullscreenElement) return;
    timer = setTimeout(
      () =>
        root.classList.toggle(
          'controls-hidden',
          !root.querySelector('.control-bar :focus-visible, [popover]:popover-open'),
        ),
      IDLE_TIMEOUT,
    );
  };
  const events = ['pointermove', 'pointerdown', 'keydown', 'fullscreenchange'] as const;
  for (const event of events) document.addEventListener(event, onMove);
  return () => {
    clearTimeout(timer);
    for (const event of events) document.removeEventListener(event, onMove);
  };
}
