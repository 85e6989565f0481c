/** Owns the page of a call: the way from the lobby into it and out of it. */
import { LocalMedia } from '../../client/index.ts';
import { defaultDisplayName } from '../common/displayName.ts';
import { endedView } from '../common/endedView.ts';
import type { RoutePage } from '../common/route.ts';
import { CallController, type CallOptions } from '../controller/CallController.ts';
import { type Lobby, lobbyView } from '../lobby/lobbyView.ts';
import { preferences } from '../storage/preferences.ts';
import { callView } from './callView.ts';

type Who = Pick<CallOptions, 'name' | 'token'>;

/** Devices that were chosen the last time; none runs yet. A choice is remembered once its device has been opened. */
export function createLocalMedia(): LocalMedia {
  const media = new LocalMedia({ camera: preferences.camera.get(), microphone: preferences.microphone.get() });
  media.on('chosen', ({ source, deviceId }) => preferences[source].set(deviceId));
  return media;
}

/** Starts camera and microphone, where they were on the last time. */
export function startPreferredDevices(media: LocalMedia): LocalMedia {
  if (!preferences.cameraOff.get()) void media.start('camera');
  if (!preferences.microphoneOff.get()) void media.start('microphone');
  return media;
}

/** Runs `show` when the call is in its room, or waits for a server that is full, which its view tells. */
export function onceJoined(call: CallController, show: () => void): void {
  const offs = [
    call.on('phase', (phase) => phase === 'joined' && shown()),
    call.on('serverBusy', (until) => until !== undefined && shown()),
  ];
  const shown = () => {
    for (const off of offs) off();
    show();
  };
}

export const callPage: RoutePage = (app, { room, name, token, role, join }, onSession) => {
  /** Enters without a lobby: the way to the server is begun before the devices, which take the browser much longer. */
  const enterAfresh = (who: Who) => {
    const media = createLocalMedia();
    enter(who, media);
    startPreferredDevices(media);
  };

  const showLobby = (media: LocalMedia, problem?: unknown) => {
    const lobby = lobbyView({
      room,
      media,
      problem,
      token,
      onJoin: (who) => enter(who, media, lobby),
    });
    app.replaceChildren(lobby.root);
  };

  /** @param lobby stays until we are in */
  const enter = (who: Who, media: LocalMedia, lobby?: Lobby) => {
    const call = new CallController({ room, ...(role && { role }), ...who }, media);
    // Begun before the page is laid out; it ends later than that in any case.
    const joining = call.join();
    onSession(call);
    const view = callView(call, (reason) => {
      media.close();
      const { token: fresh, rejoinRefusal } = call;
      const onRejoin = () => {
        // Whoever was not let in needs another token, which the lobby takes.
        if (rejoinRefusal) showLobby(startPreferredDevices(createLocalMedia()), rejoinRefusal);
        else enterAfresh({ ...who, ...(fresh && { token: fresh }) });
      };
      app.replaceChildren(endedView({ reason, error: call.rejoinError, onRejoin }));
    });
    const show = () => {
      lobby?.close();
      app.replaceChildren(view.root);
    };
    if (lobby) onceJoined(call, show);
    else show();
    joining.catch((error: unknown) => {
      view.close();
      if (lobby?.root.isConnected) lobby.failed(error);
      else showLobby(media, error);
    });
  };

  if (join) enterAfresh({ name: defaultDisplayName(name), ...(token && { token }) });
  else showLobby(startPreferredDevices(createLocalMedia()));
};
