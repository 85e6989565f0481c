/** The header above the player: state and time of the broadcast, viewers, latency, and a menu of playback statistics. */
import { Eye } from 'lucide';
import { element, icon, setText } from '../../common/dom.ts';
import { menu } from '../../common/menu.ts';
import { translate } from '../../locales/index.ts';
import type { BroadcastController, PlayerState } from '../BroadcastController.ts';
import { formatDuration, formatLatency, formatSeconds } from '../format.ts';
import type { PlaybackStats } from './playbackStats.ts';

export interface ViewerHeader {
  readonly root: HTMLElement;
  render(state: PlayerState): void;
  showStats(stats: PlaybackStats | undefined): void;
}

export function viewerHeader(broadcast: BroadcastController): ViewerHeader {
  const badge = element('span', { className: 'live-badge', hidden: true }, translate('live'));
  const time = element('span', { className: 'broadcast-time', hidden: true });
  const count = element('span', {});
  const unit = element('span', { className: 'unit' });
  const watching = element('span', { className: 'viewer-count', hidden: true }, icon(Eye, 18), count, unit);
  const dot = element('span', { className: 'health-dot', ariaHidden: 'true' });
  const latency = element('span', { className: 'long' });
  const short = element('span', { className: 'short' });
  const button = element('button', { type: 'button', className: 'playback-stats', hidden: true }, dot, latency, short);
  const list = element('dl', { className: 'playback-stats-list' });
  const panel = menu(button, translate('connection'), () => [list]);
  const root = element(
    'header',
    { className: 'viewer-header' },
    element('h1', { className: 'room-name' }, broadcast.call.options.room),
    badge,
    time,
    watching,
    button,
    panel,
  );

  const render = (state: PlayerState) => {
    const { info } = broadcast;
    const onAir = info?.state === 'live' && state !== 'connecting';
    badge.hidden = time.hidden = !onAir;
    setText(time, formatDuration(broadcast.liveSeconds));
    // Before the start the overlay of the player shows how many wait.
    watching.hidden = !info || state === 'connecting' || info.state !== 'live';
    const viewers = info?.viewers ?? 0;
    setText(count, viewers.toLocaleString(document.documentElement.lang));
    setText(unit, translate('watchingWord'));
    if (state !== 'live') button.hidden = true;
  };
  const showStats = (stats: PlaybackStats | undefined) => {
    button.hidden = stats?.latency === undefined || panel.hidden;
    if (!stats) return;
    const { latency: seconds, health } = stats;
    dot.dataset.health = health;
    setText(latency, seconds === undefined ? '' : formatLatency(seconds));
    setText(short, seconds === undefined ? '' : formatSeconds(seconds));
    button.title = translate('connectionIs', { health: translate(health) });
    button.ariaLabel = `${latency.textContent}. ${button.title}`;
    const rows = rowsOf(stats);
    list.replaceChildren(...rows.flatMap(([name, text]) => [element('dt', {}, name), element('dd', {}, text)]));
  };
  return { root, render, showStats };
}

function rowsOf({ latency, bitrate, width, height, framesPerSecond, loss, health }: PlaybackStats): [string, string][] {
  const rows: [string, string | undefined][] = [
    [translate('connection'), translate(health)],
    [translate('delay'), latency === undefined ? undefined : `${latency.toFixed(2)} s`],
    [translate('bitrate'), `${Math.round(bitrate).toLocaleString(document.documentElement.lang)} kbit/s`],
    [translate('resolution'), width && height ? `${width} × ${height}` : undefined],
    [
      translate('frameRate'),
      framesPerSecond === undefined ? undefined : translate('perSecond', { count: Math.round(framesPerSecond) }),
    ],
    [translate('loss'), `${(loss * 100).toFixed(1)} %`],
  ];
  return rows.flatMap(([name, text]) => (text === undefined ? [] : [[name, text]]));
}
