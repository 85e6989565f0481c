/** Owns the line above the player: on air or not, for how long, how many watch, how far behind it is and how well it comes. */
import { Eye } from 'lucide';
import { element, icon } from '../../dom.ts';
import { menu } from '../../Menu.ts';
import { say } from '../../words/index.ts';
import type { Scene, Show } from '../Show.ts';
import { behindWords, clock, shortly } from '../writing.ts';
import type { Figures } from './figures.ts';

export interface ViewerHead {
  readonly root: HTMLElement;
  render(scene: Scene): void;
  showFigures(figures: Figures | undefined): void;
}

export function viewerHead(show: Show): ViewerHead {
  const badge = element('span', { className: 'live-badge', hidden: true }, say('live'));
  const time = element('span', { className: 'on-air', hidden: true });
  const count = element('span', {});
  const words = element('span', { className: 'words' });
  const watching = element('span', { className: 'watching', hidden: true }, icon(Eye, 18), count, words);
  const dot = element('span', { className: 'health', ariaHidden: 'true' });
  const behind = element('span', { className: 'long' });
  const short = element('span', { className: 'short' });
  const button = element('button', { type: 'button', className: 'figures', hidden: true }, dot, behind, short);
  const list = element('dl', { className: 'figures-list' });
  const panel = menu(button, say('connection'), () => [list]);
  const root = element(
    'header',
    { className: 'head' },
    element('h1', { className: 'room' }, show.session.wish.room),
    badge,
    time,
    watching,
    button,
    panel,
  );

  const render = (scene: Scene) => {
    const { info } = show;
    const onAir = info?.state === 'live' && scene !== 'connecting';
    badge.hidden = time.hidden = !onAir;
    set(time, clock(show.liveSeconds));
    // Before it begins, those who wait are counted where they wait.
    watching.hidden = !info || scene === 'connecting' || info.state !== 'live';
    const viewers = info?.viewers ?? 0;
    set(count, viewers.toLocaleString(document.documentElement.lang));
    set(words, say('watchingWord'));
    if (scene !== 'live') button.hidden = true;
  };
  const showFigures = (figures: Figures | undefined) => {
    button.hidden = figures?.behind === undefined || panel.hidden;
    if (!figures) return;
    const { behind: seconds, health } = figures;
    dot.dataset.health = health;
    set(behind, seconds === undefined ? '' : behindWords(seconds));
    set(short, seconds === undefined ? '' : shortly(seconds));
    button.title = say('connectionIs', { health: say(health) });
    button.ariaLabel = `${behind.textContent}. ${button.title}`;
    const rows = rowsOf(figures);
    list.replaceChildren(
      ...rows.flatMap(([name, text]) => [element('dt', {}, name), element('dd', { className: 'tabular' }, text)]),
    );
  };
  return { root, render, showFigures };
}

function rowsOf({ behind, bitrate, width, height, framesPerSecond, loss, health }: Figures): [string, string][] {
  const rows: [string, string | undefined][] = [
    [say('connection'), say(health)],
    [say('delay'), behind === undefined ? undefined : `${behind.toFixed(2)} s`],
    [say('bitrate'), `${Math.round(bitrate).toLocaleString(document.documentElement.lang)} kbit/s`],
    [say('resolution'), width && height ? `${width} × ${height}` : undefined],
    [
      say('frameRate'),
      framesPerSecond === undefined ? undefined : say('perSecond', { count: Math.round(framesPerSecond) }),
    ],
    [say('loss'), `${(loss * 100).toFixed(1)} %`],
  ];
  return rows.flatMap(([name, text]) => (text === undefined ? [] : [[name, text]]));
}

function set(where: Element, text: string): void {
  if (where.textContent !== text) where.textContent = text;
}
