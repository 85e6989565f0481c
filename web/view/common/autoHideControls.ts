/** Hides the controls over a full-screen video. */

/** How long without input the controls stay, in milliseconds. */
const IDLE_TIMEOUT = 3000;

/** In full screen, hides the controls after a time without input and shows them at the next. @returns a function that ends it */
export function autoHideControls(root: HTMLElement): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const onInput = () => {
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
  for (const event of events) document.addEventListener(event, onInput);
  return () => {
    clearTimeout(timer);
    for (const event of events) document.removeEventListener(event, onInput);
  };
}
