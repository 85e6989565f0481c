/** Owns the studio of a broadcast: the way in and out of it. */
import { type LocalMedia, roleOf } from '../../../client/index.ts';
import { newMedia, onceIn, startMedia } from '../../call/callPage.ts';
import { roomPath } from '../../common/address.ts';
import { element } from '../../common/dom.ts';
import { endCard, endedView } from '../../common/ended.ts';
import type { RoutePage } from '../../common/route.ts';
import { type Lobby, lobbyView } from '../../lobby/Lobby.ts';
import { nameWithoutLobby } from '../../lobby/ownName.ts';
import { translate } from '../../locales/index.ts';
import { CallController, type CallOptions, type EndReason } from '../../participation/CallController.ts';
import { BroadcastController } from '../BroadcastController.ts';
import { studioView } from './Studio.ts';
import { StudioRecovery } from './StudioRecovery.ts';

type Who = Pick<CallOptions, 'name' | 'token'>;

export const studioPage: RoutePage = (app, { room, role, name, token, join }, onSession) => {
  const back = new StudioRecovery(room);

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
    const session = new CallController({ room, kind: 'broadcast', ...(role && { role }), ...who }, media);
    const joining = session.join();
    onSession(session);
    const broadcast = new BroadcastController(session);
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
    left: live ? [translate('studioLeftLive'), translate('studioLeftLiveText')] : [translate('studioLeft'), ''],
    replaced: [translate('studioElsewhere'), translate('endedReplacedText')],
    kicked: [translate('studioKicked'), translate('endedKickedText')],
  };
}

/** Says that the stage is not for this person, or no longer, and where the broadcast can be watched. */
function watchCard(room: string, token: string | undefined, wasIn: boolean): HTMLElement {
  const fragment = token ? `#${new URLSearchParams({ token })}` : '';
  const href = `${roomPath('broadcast', room)}${fragment}`;
  return endCard(
    translate(wasIn ? 'studioSentBack' : 'studioNotHost'),
    element('p', {}, translate(wasIn ? 'studioSentBackText' : 'studioNotHostText')),
    element('a', { className: 'studio-watch', href }, translate('toBroadcast')),
  );
}
