/** The page of the studio: from the lobby into the studio, and out of it. */
import { type LocalMedia, roleOf } from '../../../client/index.ts';
import { roomPath } from '../../common/address.ts';
import { defaultDisplayName } from '../../common/displayName.ts';
import { element } from '../../common/dom.ts';
import { endedView } from '../../common/endedView.ts';
import { initialVideoLimit } from '../../common/gridLayout.ts';
import { createLocalMedia, startPreferredDevices } from '../../common/localMedia.ts';
import { messageCard } from '../../common/messageCard.ts';
import { onceJoined } from '../../common/onceJoined.ts';
import type { RoutePage } from '../../common/route.ts';
import { CallController, type CallOptions, type EndReason } from '../../controller/CallController.ts';
import { type Lobby, lobbyView } from '../../lobby/lobbyView.ts';
import { translate } from '../../locales/index.ts';
import { BroadcastController } from '../BroadcastController.ts';
import { StudioRecovery } from './StudioRecovery.ts';
import { studioView } from './studioView.ts';

type Identity = Pick<CallOptions, 'name' | 'token'>;

export const studioPage: RoutePage = (app, { room, role, name, token, join, iceTransportPolicy }, onCall) => {
  const recovery = new StudioRecovery(room);

  /** Joins without a lobby. @param goLive whether the broadcast goes live at once */
  const joinDirectly = (identity: Identity, goLive: boolean) => {
    const media = createLocalMedia();
    startStudio(identity, media, goLive);
    startPreferredDevices(media);
  };

  const showLobby = (media: LocalMedia, error?: unknown) => {
    const lobby = lobbyView({
      room,
      kind: 'broadcast',
      media,
      error,
      token,
      onJoin: (identity) => startStudio(identity, media, false, lobby),
    });
    app.replaceChildren(lobby.root);
  };

  /** @param lobby stays on the page until the call has joined */
  const startStudio = (identity: Identity, media: LocalMedia, goLive: boolean, lobby?: Lobby) => {
    const { recent } = recovery;
    const call = new CallController(
      { room, kind: 'broadcast', ...(role && { role }), ...identity, initialVideoLimit, iceTransportPolicy },
      media,
    );
    const joining = call.join();
    onCall(call);
    call.on('waiting', (waiting) => waiting && lobby?.showWaiting(waiting, () => call.cancelWaiting()));
    const broadcast = new BroadcastController(call);
    let card: HTMLElement | undefined;
    const studio = studioView({
      broadcast,
      onEnded: (reason, live) => {
        media.close();
        if (reason === 'left' && live) recovery.markLeft();
        else if (reason !== 'disconnected') recovery.clear();
        const { token: fresh, rejoinRefusal } = call;
        const onRejoin = () => {
          if (rejoinRefusal) showLobby(startPreferredDevices(createLocalMedia()), rejoinRefusal);
          else joinDirectly({ ...identity, ...(fresh && { token: fresh }) }, false);
        };
        app.replaceChildren(
          card ??
            endedView({
              reason,
              triedPaths: call.triedPaths,
              by: call.endedBy,
              error: call.rejoinError,
              texts: endReasonTexts(live),
              hadTrouble: call.hadTrouble,
              onRejoin,
            }),
        );
      },
    });
    const showView = () => {
      lobby?.close();
      app.replaceChildren(studio.root);
    };
    if (lobby) onceJoined(call, showView);
    else showView();
    let wasOnStage = false;
    call.on('changed', () => {
      if (call.phase !== 'joined') return;
      const { grants } = call.client;
      if (grants && roleOf(grants) === 'viewer') {
        recovery.clear();
        card = watchCard(room, call.token, wasOnStage);
        call.leave();
        return;
      }
      wasOnStage = true;
      // A token that was typed into the lobby is never stored, so that a reload could not join.
      if (identity.token === token) recovery.update(identity.name, broadcast.info?.state);
    });
    joining.then(
      () => {
        const shouldGoLive = goLive || (recent && broadcast.info?.state === 'before');
        if (shouldGoLive && call.phase === 'joined' && call.isAdmin) void broadcast.goLive();
      },
      (error: unknown) => {
        recovery.clear();
        studio.close();
        const shown = call.cancelled ? undefined : error;
        if (lobby?.root.isConnected) lobby.showJoinError(shown);
        else showLobby(media, shown);
      },
    );
  };

  const returning = recovery.stored;
  if (returning) joinDirectly({ name: returning.name, ...(token && { token }) }, false);
  else if (join) joinDirectly({ name: defaultDisplayName(name), ...(token && { token }) }, true);
  else showLobby(startPreferredDevices(createLocalMedia()));
};

/** Titles and texts of the card after the studio. */
function endReasonTexts(live: boolean): Partial<Record<EndReason, readonly [string, string]>> {
  return {
    left: live ? [translate('leftWhileLive'), translate('leftWhileLiveText')] : [translate('studioLeft'), ''],
    replaced: [translate('openElsewhere'), translate('endedReplacedText')],
    kicked: [translate('kickedByHost'), translate('endedKickedText')],
    roomEnded: [translate('broadcastOver'), translate('endedForAllText')],
  };
}

/** The card for a user who is not on the stage, or not any more, with a link to the broadcast. */
function watchCard(room: string, token: string | undefined, wasOnStage: boolean): HTMLElement {
  const fragment = token ? `#${new URLSearchParams({ token })}` : '';
  const href = `${roomPath('broadcast', room)}${fragment}`;
  return messageCard(
    translate(wasOnStage ? 'studioRemoved' : 'viewerLink'),
    element('p', {}, translate(wasOnStage ? 'studioRemovedText' : 'viewerLinkText')),
    element('a', { className: 'watch-link', href }, translate('toBroadcast')),
  );
}
