/** Owns the studio of a broadcast: the way in and out of it. */
import { type LocalMedia, roleOf } from '../../../client/index.ts';
import { roomPath } from '../../address.ts';
import { newMedia, onceIn, startMedia } from '../../callPage.ts';
import { element } from '../../dom.ts';
import { endCard, endedView } from '../../ended.ts';
import type { EntryPage } from '../../entry.ts';
import { type Lobby, lobbyView } from '../../Lobby.ts';
import { nameWithoutLobby } from '../../ownName.ts';
import { type EndReason, Session, type SessionWish } from '../../Session.ts';
import { say } from '../../words/index.ts';
import { Show } from '../Show.ts';
import { StudioReturn } from './Return.ts';
import { studioView } from './Studio.ts';

type Who = Pick<SessionWish, 'name' | 'token'>;

export const studioPage: EntryPage = (app, { room, role, name, token, join }, onSession) => {
  const back = new StudioReturn(room);

  /** Enters without a lobby. @param goesLive whether it goes on air at once */
  const enterAfresh = (who: Who, goesLive: boolean) => {
    const media = newMedia();
    enter(who, media, goesLive);
    startMedia(media);
  };

  const showLobby = (media: LocalMedia, problem?: unknown) => {
    const lobby = lobbyView({
      room,
      kind: 'broadcast',
      media,
      problem,
      token,
      onJoin: (who) => enter(who, media, false, lobby),
    });
    app.replaceChildren(lobby.root);
  };

  /** @param lobby stays until we are in */
  const enter = (who: Who, media: LocalMedia, goesLive: boolean, lobby?: Lobby) => {
    const { recent } = back;
    const session = new Session({ room, kind: 'broadcast', ...(role && { role }), ...who }, media);
    const joining = session.join();
    onSession(session);
    const broadcast = new Show(session);
    let card: HTMLElement | undefined;
    const studio = studioView({
      show: broadcast,
      onEnded: (reason, live) => {
        media.close();
        if (reason === 'left' && live) back.leave();
        else if (reason !== 'disconnected') back.forget();
        const { token: fresh, refusal } = session;
        const onAgain = () => {
          if (refusal) showLobby(startMedia(newMedia()), refusal);
          else enterAfresh({ ...who, ...(fresh && { token: fresh }) }, false);
        };
        app.replaceChildren(card ?? endedView({ reason, refusal: session.failure, own: wordsOf(live), onAgain }));
      },
    });
    const show = () => {
      lobby?.close();
      app.replaceChildren(studio.root);
    };
    if (lobby) onceIn(session, show);
    else show();
    let wasIn = false;
    session.on('changed', () => {
      if (session.phase !== 'in') return;
      const { grants } = session.client;
      if (grants && roleOf(grants) === 'viewer') {
        back.forget();
        card = watchCard(room, session.token, wasIn);
        session.leave();
        return;
      }
      wasIn = true;
      // A token that was typed is not kept anywhere.
      if (who.token === token) back.follow(who.name, broadcast.info?.state);
    });
    joining.then(
      () => {
        const wanted = goesLive || (recent && broadcast.info?.state === 'before');
        if (wanted && session.phase === 'in' && session.isAdmin) void broadcast.goLive();
      },
      (error: unknown) => {
        back.forget();
        studio.close();
        if (lobby?.root.isConnected) lobby.failed(error);
        else showLobby(media, error);
      },
    );
  };

  const returning = back.who;
  if (returning) enterAfresh({ name: returning.name, ...(token && { token }) }, false);
  else if (join) enterAfresh({ name: nameWithoutLobby(name), ...(token && { token }) }, true);
  else showLobby(startMedia(newMedia()));
};

/** What a stay that has ended is called here. */
function wordsOf(live: boolean): Partial<Record<EndReason, readonly [string, string]>> {
  return {
    left: live ? [say('studioLeftLive'), say('studioLeftLiveText')] : [say('studioLeft'), ''],
    replaced: [say('studioElsewhere'), say('endedReplacedText')],
    kicked: [say('studioKicked'), say('endedKickedText')],
  };
}

/** Says that the stage is not for this person, or no longer, and where the broadcast can be watched. */
function watchCard(room: string, token: string | undefined, wasIn: boolean): HTMLElement {
  const fragment = token ? `#${new URLSearchParams({ token })}` : '';
  const href = `${roomPath('broadcast', room)}${fragment}`;
  return endCard(
    say(wasIn ? 'studioSentBack' : 'studioNotHost'),
    element('p', {}, say(wasIn ? 'studioSentBackText' : 'studioNotHostText')),
    element('a', { className: 'studio-watch', href }, say('toBroadcast')),
  );
}
