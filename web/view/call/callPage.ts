/** The page of a call: from the lobby into the call, and out of it. */
import type { LocalMedia } from '../../client/index.ts';
import { defaultDisplayName } from '../common/displayName.ts';
import { endedView } from '../common/endedView.ts';
import { initialVideoLimit } from '../common/gridLayout.ts';
import { createLocalMedia, startPreferredDevices } from '../common/localMedia.ts';
import { onceJoined } from '../common/onceJoined.ts';
import type { RoutePage } from '../common/route.ts';
import { CallController, type CallOptions } from '../controller/CallController.ts';
import { type Lobby, lobbyView } from '../lobby/lobbyView.ts';
import { callView } from './callView.ts';

type Identity = Pick<CallOptions, 'name' | 'token'>;

export const callPage: RoutePage = (app, { room, name, token, role, join, iceTransportPolicy, policy }, onCall) => {
  /** Joins without a lobby. The join starts before the devices, which take longer to open. */
  const joinDirectly = (identity: Identity) => {
    const media = createLocalMedia();
    startCall(identity, media);
    startPreferredDevices(media);
  };

  const showLobby = (media: LocalMedia, error?: unknown) => {
    const lobby = lobbyView({
      room,
      media,
      error,
      token,
      policy,
      onJoin: (identity) => startCall(identity, media, lobby),
    });
    app.replaceChildren(lobby.root);
  };

  /** @param lobby stays on the page until the call has joined */
  const startCall = (identity: Identity, media: LocalMedia, lobby?: Lobby) => {
    const call = new CallController(
      { room, ...(role && { role }), ...identity, initialVideoLimit, iceTransportPolicy, policy },
      media,
    );
    // The join takes longer than building the view, so it starts first.
    const joining = call.join();
    onCall(call);
    call.on('waiting', (waiting) => waiting && lobby?.showWaiting(waiting, () => call.cancelWaiting()));
    const view = callView(call, (reason) => {
      media.close();
      const { token: freshToken, rejoinRefusal } = call;
      const onRejoin = () => {
        // A refused user needs another token, which the lobby asks for.
        if (rejoinRefusal) showLobby(startPreferredDevices(createLocalMedia()), rejoinRefusal);
        else joinDirectly({ ...identity, ...(freshToken && { token: freshToken }) });
      };
      const { triedPaths, rejoinError: error, hadTrouble, endedBy: by } = call;
      app.replaceChildren(endedView({ reason, triedPaths, by, error, hadTrouble, onRejoin }));
    });
    const showView = () => {
      lobby?.close();
      app.replaceChildren(view.root);
    };
    if (lobby) onceJoined(call, showView);
    else showView();
    joining.catch((error: unknown) => {
      view.close();
      const shown = call.cancelled ? undefined : error;
      if (lobby?.root.isConnected) lobby.showJoinError(shown);
      else showLobby(media, shown);
    });
  };

  if (join) joinDirectly({ name: defaultDisplayName(name), ...(token && { token }) });
  else showLobby(startPreferredDevices(createLocalMedia()));
};
