/** Owns the page of a call: the way from the lobby into it and out of it. */
import { LocalMedia } from '../../client/index.ts';
import { endedView } from '../common/ended.ts';
import { preferences } from '../common/preferences.ts';
import type { RoutePage } from '../common/route.ts';
import { type Lobby, lobbyView } from '../lobby/Lobby.ts';
import { nameWithoutLobby } from '../lobby/ownName.ts';
import { CallController, type CallOptions } from '../participation/CallController.ts';
import { callView } from './Call.ts';

type Who = Pick<CallOptions, 'name' | 'token'>;

/** Devices that were chosen the last time; none runs yet. A choice is remembered once its device has been opened. */
export function newMedia(): LocalMedia {
  const media = new LocalMedia({ camera: preferences.camera.get(), microphone: preferences.microphone.get() });
  media.on('chosen', ({ source, deviceId }) => preferences[source].set(deviceId));
  return media;
}

/** Starts camera and microphone, where they were on the last time. */
export function startMedia(media: LocalMedia): LocalMedia {
  if (!preferences.cameraOff.get()) void media.start('camera');
  if (!preferences.microphoneOff.get()) void media.start('microphone');
  return media;
}

/** Runs `show` when the session is in its room, or waits for a server that is full, which its view tells. */
export function onceIn(session: CallController, show: () => void): void {
  const offs = [
    session.on('phase', (phase) => phase === 'in' && shown()),
    session.on('waiting', (until) => until !== undefined && shown()),
  ];
  const shown = () => {
    for (const off of offs) off();
    show();
  };
}

export const callPage: RoutePage = (app, { room, name, token, role, join }, onSession) => {
  /** Enters without a lobby: the way to the server is begun before the devices, which take the browser much longer. */
  const enterAfresh = (who: Who) => {
    const media = newMedia();
    enter(who, media);
    startMedia(media);
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
    const session = new CallController({ room, ...(role && { role }), ...who }, media);
    // Begun before the page is laid out; it ends later than that in any case.
    const joining = session.join();
    onSession(session);
    const call = callView(session, (reason) => {
      media.close();
      const { token: fresh, refusal } = session;
      const onAgain = () => {
        // Whoever was not let in needs another token, which the lobby takes.
        if (refusal) showLobby(startMedia(newMedia()), refusal);
        else enterAfresh({ ...who, ...(fresh && { token: fresh }) });
      };
      app.replaceChildren(endedView({ reason, refusal: session.failure, onAgain }));
    });
    const show = () => {
      lobby?.close();
      app.replaceChildren(call.root);
    };
    if (lobby) onceIn(session, show);
    else show();
    joining.catch((error: unknown) => {
      call.close();
      if (lobby?.root.isConnected) lobby.failed(error);
      else showLobby(media, error);
    });
  };

  if (join) enterAfresh({ name: nameWithoutLobby(name), ...(token && { token }) });
  else showLobby(startMedia(newMedia()));
};
