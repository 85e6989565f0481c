/** The chat's button with its count of unread messages; the panel is loaded when it is first opened. */
import { MessageSquare } from 'lucide';
import { type ControlButton, controlButton } from '../common/controls.ts';
import type { Toasts } from '../common/Toasts.ts';
import type { CallController } from '../controller/CallController.ts';
import { translate } from '../locales/index.ts';
import { ChatAlerts } from './ChatAlerts.ts';
import type { ChatPanel } from './ChatPanel.ts';

/** The largest count that is shown. */
const MOST_UNREAD = 99;

export interface ChatToggleOptions {
  readonly call: CallController;
  readonly toasts: Toasts;
  /** The element of the page that the panel is put into. */
  readonly place: HTMLElement;
  /** Is called before it is shown, and after it was hidden. */
  onToggle(open: boolean): void;
}

export interface ChatToggle {
  /** The button of the control bar. */
  readonly button: HTMLButtonElement;
  readonly isOpen: boolean;
  /** @param opener has the focus after the panel is closed; by default what has it now */
  toggle(opener?: HTMLElement): void;
  hide(): void;
  /** Calls `use` with the panel, now or when it is first opened. */
  onPanel(use: (panel: ChatPanel) => void): void;
  /** Counts something new that the panel shows, while it is closed. */
  addUnread(): void;
  close(): void;
}

export function chatToggle({ call, toasts, place, onToggle }: ChatToggleOptions): ChatToggle {
  const control: ControlButton = controlButton('chat', 'C', () => toggle(control.button));
  const alerts = new ChatAlerts(toasts);
  const uses: ((panel: ChatPanel) => void)[] = [];
  let panel: ChatPanel | undefined;
  let opener: Element | null = null;
  let open = false;
  let closed = false;
  let unread = 0;

  const render = () => {
    const { button } = control;
    control.update({ label: label(unread), icon: MessageSquare });
    button.ariaExpanded = String(open);
    if (unread > 0) button.dataset.count = unread > MOST_UNREAD ? `${MOST_UNREAD}+` : String(unread);
    else delete button.dataset.count;
  };
  const addUnread = () => {
    if (open) return;
    unread += 1;
    render();
  };
  const load = async () => {
    try {
      const { ChatPanel: Panel } = await import('./ChatPanel.ts');
      if (closed || panel) return;
      panel = new Panel({ call, toasts, onClose: hide });
      place.append(panel.root);
      for (const use of [...uses]) use(panel);
      if (open) panel.show();
    } catch {
      if (closed) return;
      hide();
      toasts.showError(translate('unreachable'));
    }
  };
  const hide = () => {
    if (!open) return;
    open = false;
    panel?.hide();
    render();
    onToggle(false);
    if (opener instanceof HTMLElement) opener.focus();
  };
  const toggle = (from: Element | null = document.activeElement) => {
    if (open) return hide();
    open = true;
    opener = from;
    unread = 0;
    alerts.clear();
    render();
    onToggle(true);
    if (panel) panel.show();
    else void load();
  };
  call.on('chatMessage', ({ message, isHistory }) => {
    panel?.render();
    if (message.own || message.deleted || isHistory || open) return;
    // Whoever opens the chat now does not wait for it.
    if (!panel) void import('./ChatPanel.ts').catch(() => {});
    addUnread();
    alerts.add(message);
  });
  for (const event of ['chatChanged', 'chatStateChanged', 'changed'] as const) call.on(event, () => panel?.render());
  render();
  return {
    button: control.button,
    get isOpen() {
      return open;
    },
    toggle,
    hide,
    onPanel: (use) => {
      uses.push(use);
      if (panel) use(panel);
    },
    addUnread,
    close: () => {
      closed = true;
      alerts.clear();
      panel?.close();
    },
  };
}

function label(unread: number): string {
  if (unread === 0) return translate('chat');
  if (unread > MOST_UNREAD) return translate('chatUnreadMany', { count: MOST_UNREAD });
  return translate(unread === 1 ? 'chatUnreadOne' : 'chatUnread', { count: unread });
}
