/** The menu behind "More": layout, full screen, picture-in-picture, statistics, encoders, encoding of the shared screen, theme, language. */
import { Hand, Maximize, MonitorUp, PictureInPicture2, Users } from 'lucide';
import { toggleFullScreen, togglePictureInPicture } from '../common/displayModes.ts';
import { menu, menuItem, radioItems } from '../common/menu.ts';
import { appearanceItems, screenHintItems } from '../common/sharedMenuItems.ts';
import type { StatsToggle } from '../common/stats/statsToggle.ts';
import type { Toasts } from '../common/Toasts.ts';
import type { CallController } from '../controller/CallController.ts';
import type { EncoderItem } from '../encoder/encoderItem.ts';
import { translate } from '../locales/index.ts';
import { administration } from '../moderation/loadModeration.ts';
import { preferences } from '../storage/preferences.ts';
import type { CallLayout, LayoutMode } from './CallLayout.ts';

export interface MoreMenuOptions {
  readonly call: CallController;
  readonly layout: CallLayout;
  /** The element that full screen shows. */
  readonly root: HTMLElement;
  readonly stats: StatsToggle;
  readonly encoder: EncoderItem;
  readonly toasts: Pick<Toasts, 'show'>;
  onParticipants(): void;
}

export function moreMenu(button: HTMLButtonElement, options: MoreMenuOptions): HTMLElement {
  const { call, layout, root, stats, encoder, toasts, onParticipants } = options;
  return menu(button, translate('more'), () => [
    // The control bar of a phone has no room for these.
    isNarrow() && menuItem(translate('participants'), Users, onParticipants),
    isNarrow() &&
      menuItem(translate(call.hand.raised ? 'lowerHand' : 'raiseHand'), Hand, () => void call.hand.toggle()),
    isNarrow() &&
      call.sources.canPublish('screen') &&
      menuItem(
        translate(call.localParticipant.screenOn ? 'stopShare' : 'share'),
        MonitorUp,
        () => void call.sources.toggleScreen(),
      ),
    document.fullscreenEnabled &&
      menuItem(translate(document.fullscreenElement ? 'exitFullScreen' : 'fullScreen'), Maximize, () =>
        toggleFullScreen(root),
      ),
    document.pictureInPictureEnabled &&
      (document.pictureInPictureElement ?? layout.mainVideo) !== undefined &&
      menuItem(translate('pictureInPicture'), PictureInPicture2, () => togglePictureInPicture(layout.mainVideo)),
    stats.menuItem(button),
    encoder.menuItem(button),
    ...(administration(call)?.roomItems({ call, toasts, root }) ?? []),
    radioItems<LayoutMode>(
      translate('layout'),
      [
        { value: 'grid', label: translate('layoutGrid') },
        { value: 'speaker', label: translate('layoutSpeaker') },
      ],
      layout.mode,
      (mode) => {
        preferences.layout.set(mode);
        layout.setMode(mode);
      },
    ),
    screenHintItems(call),
    ...appearanceItems(),
  ]);
}

/** Whether the page is as narrow as a phone: the limit of responsive.css. */
const isNarrow = () => matchMedia('(max-width: 560px)').matches;
