/** Owns the page on which a broadcast is watched: the way in and out of it. */
import { LocalMedia } from '../../client/index.ts';
import type { EntryPage } from '../entry.ts';
import { remembered } from '../memory.ts';
import { Session } from '../Session.ts';
import { Show } from './Show.ts';

export const viewerPage: EntryPage = (app, { room, role, name, token }, onSession) => {
  const who = { name: name || remembered.name.get() || 'Guest', ...(token && { token }) };
  const session = new Session({ room, kind: 'broadcast', ...(role && { role }), ...who }, new LocalMedia());
  void session.join();
  onSession(session);
  const show = new Show(session);
  session.on('changed', () => app.replaceChildren(show.scene));
};
