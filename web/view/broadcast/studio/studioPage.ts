/** Owns the studio of a broadcast: the way in and out of it. */
import { type LocalMedia, roleOf } from '../../../client/index.ts';
import { createLocalMedia, onceJoined, startPreferredDevices } from '../../call/callPage.ts';
import { roomPath } from '../../common/address.ts';
import { defaultDisplayName } from '../../common/displayName.ts';
import { element } from '../../common/dom.ts';
import { endedView, messageCard } from '../../common/endedView.ts';
import type { RoutePage } from '../../common/route.ts';
import { CallController, type CallOptions, type EndReason } from '../../controller/CallController.ts';
import { type Lobby, lobbyView } from '../../lobby/lobbyView.ts';
import { translate } from '../../locales/index.ts';
import { BroadcastController } from '../BroadcastController.ts';
import { StudioRecovery } from './StudioRecovery.ts';
import { studioView } from './studioView.ts';

type Who = Pick<CallOptions, 'name' | 'token'>;

export const studioPage: RoutePage = (app, { room, role, name, token, join }, onSession) => {
  const back = new StudioRecovery(room);

  /** Enters without a lobby. @param goesLive whether it goes on air at once */
  const enterAfresh = (who: Who, goesLive: boolean) => {
    const media = createLocalMedia();
    enter(who, media, goesLive);
    startPreferredDevices(media);
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
    const call = new CallController({ room, kind: 'broadcast', ...(role && { role }), ...who }, media);
    const joining = call.join();
    onSession(call);
    const broadcast = new BroadcastController(call);
    let card: HTMLElement | undefined;
    const studio = studioView({
      broadcast,
      onEnded: (reason, live) => {
        media.close();
        if (reason === 'left' && live) back.markLeft();
        else if (reason !== 'disconnected') back.clear();
        const { token: fresh, rejoinRefusal } = call;
        const onRejoin = () => {
          if (rejoinRefusal) showLobby(startPreferredDevices(createLocalMedia()), rejoinRefusal);
          else enterAfresh({ ...who, ...(fresh && { token: fresh }) }, false);
        };
        app.replaceChildren(
          card ?? endedView({ reason, error: call.rejoinError, texts: endReasonTexts(live), onRejoin }),
        );
      },
    });
    const showView = () => {
      lobby?.close();
      app.replaceChildren(studio.root);
    };
    if (lobby) onceJoined(call, showView);
    else showView();
    let wasIn = false;
    call.on('changed', () => {
      if (call.phase !== 'joined') return;
      const { grants } = call.client;
      if (grants && roleOf(grants) === 'viewer') {
        back.clear();
        card = watchCard(room, call.token, wasIn);
        call.leave();
        return;
      }
      wasIn = true;
      // A token that was typed is not kept anywhere.
      if (who.token === token) back.update(who.name, broadcast.info?.state);
    });
    joining.then(
      () => {
        const wanted = goesLive || (recent && broadcast.info?.state === 'before');
        if (wanted && call.phase === 'joined' && call.isAdmin) void broadcast.goLive();
      },
      (error: unknown) => {
        back.clear();
        studio.close();
        if (lobby?.root.isConnected) lobby.failed(error);
        else showLobby(media, error);
      },
    );
  };

  const returning = back.stored;
  if (returning) enterAfresh({ name: returning.name, ...(token && { token }) }, false);
  else if (join) enterAfresh({ name: defaultDisplayName(name), ...(token && { token }) }, true);
  else showLobby(startPreferredDevices(createLocalMedia()));
};

/** What a stay that has ended is called here. */
function endReasonTexts(live: boolean): Partial<Record<EndReason, readonly [string, string]>> {
  return {
    left: live
      ? [translate('studioLeftWhileLive'), translate('studioLeftWhileLiveText')]
      : [translate('studioLeft'), ''],
    replaced: [translate('studioOpenElsewhere'), translate('endedReplacedText')],
    kicked: [translate('studioKicked'), translate('endedKickedText')],
  };
}

/** Says that the stage is not for this person, or no longer, and where the broadcast can be watched. */
function watchCard(room: string, token: string | undefined, wasIn: boolean): HTMLElement {
  const fragment = token ? `#${new URLSearchParams({ token })}` : '';
  const href = `${roomPath('broadcast', room)}${fragment}`;
  return messageCard(
    translate(wasIn ? 'removedFromStage' : 'viewerLink'),
    element('p', {}, translate(wasIn ? 'removedFromStageText' : 'viewerLinkText')),
    element('a', { className: 'watch-link', href }, translate('toBroadcast')),
  );
}
