/** Owns the line above the player: on air or not, for how long, how many watch, how far behind it is and how well it comes. */
import { Eye } from 'lucide';
import { element, icon } from '../../common/dom.ts';
import { menu } from '../../common/menu.ts';
import { translate } from '../../locales/index.ts';
import type { BroadcastController, PlayerState } from '../BroadcastController.ts';
import { formatDuration, formatLatency, formatSeconds } from '../format.ts';
import type { PlaybackStats } from './playbackStats.ts';

export interface ViewerHeader {
  readonly root: HTMLElement;
  render(scene: PlayerState): void;
  showStats(figures: PlaybackStats | undefined): void;
}

export function viewerHeader(broadcast: BroadcastController): ViewerHeader {
  const badge = element('span', { className: 'live-badge', hidden: true }, translate('live'));
  const time = element('span', { className: 'broadcast-time', hidden: true });
  const count = element('span', {});
  const words = element('span', { className: 'unit' });
  const watching = element('span', { className: 'viewer-count', hidden: true }, icon(Eye, 18), count, words);
  const dot = element('span', { className: 'health-dot', ariaHidden: 'true' });
  const behind = element('span', { className: 'long' });
  const short = element('span', { className: 'short' });
  const button = element('button', { type: 'button', className: 'playback-stats', hidden: true }, dot, behind, short);
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

  const render = (scene: PlayerState) => {
    const { info } = broadcast;
    const onAir = info?.state === 'live' && scene !== 'connecting';
    badge.hidden = time.hidden = !onAir;
    setText(time, formatDuration(broadcast.liveSeconds));
    // Before it begins, those who wait are counted where they wait.
    watching.hidden = !info || scene === 'connecting' || info.state !== 'live';
    const viewers = info?.viewers ?? 0;
    setText(count, viewers.toLocaleString(document.documentElement.lang));
    setText(words, translate('watchingWord'));
    if (scene !== 'live') button.hidden = true;
  };
  const showStats = (figures: PlaybackStats | undefined) => {
    button.hidden = figures?.behind === undefined || panel.hidden;
    if (!figures) return;
    const { behind: seconds, health } = figures;
    dot.dataset.health = health;
    setText(behind, seconds === undefined ? '' : formatLatency(seconds));
    setText(short, seconds === undefined ? '' : formatSeconds(seconds));
    button.title = translate('connectionIs', { health: translate(health) });
    button.ariaLabel = `${behind.textContent}. ${button.title}`;
    const rows = rowsOf(figures);
    list.replaceChildren(
      ...rows.flatMap(([name, text]) => [element('dt', {}, name), element('dd', { className: 'tabular' }, text)]),
    );
  };
  return { root, render, showStats };
}

function rowsOf({ behind, bitrate, width, height, framesPerSecond, loss, health }: PlaybackStats): [string, string][] {
  const rows: [string, string | undefined][] = [
    [translate('connection'), translate(health)],
    [translate('delay'), behind === undefined ? undefined : `${behind.toFixed(2)} s`],
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

function setText(where: Element, text: string): void {
  if (where.textContent !== text) where.textContent = text;
}
