/** Owns the page of a call: the way from the lobby into it and out of it. */
import { LocalMedia } from '../client/index.ts';
import { callView } from './Call.ts';
import { endedView } from './ended.ts';
import type { EntryPage } from './entry.ts';
import { type Lobby, lobbyView } from './Lobby.ts';
import { remembered } from './memory.ts';
import { nameWithoutLobby } from './ownName.ts';
import { Session, type SessionWish } from './Session.ts';

type Who = Pick<SessionWish, 'name' | 'token'>;

/** Devices that were chosen the last time; none runs yet. A choice is remembered once its device has been opened. */
export function newMedia(): LocalMedia {
  const media = new LocalMedia({ camera: remembered.camera.get(), microphone: remembered.microphone.get() });
  media.on('chosen', ({ source, deviceId }) => remembered[source].set(deviceId));
  return media;
}

/** Starts camera and microphone, where they were on the last time. */
export function startMedia(media: LocalMedia): LocalMedia {
  if (!remembered.cameraOff.get()) void media.start('camera');
  if (!remembered.microphoneOff.get()) void media.start('microphone');
  return media;
}

/** Runs `show` when the session is in its room, or waits for a server that is full, which its view tells. */
export function onceIn(session: Session, show: () => void): void {
  const offs = [
    session.on('phase', (phase) => phase === 'in' && shown()),
    session.on('waiting', (until) => until !== undefined && shown()),
  ];
  const shown = () => {
    for (const off of offs) off();
    show();
  };
}

export const callPage: EntryPage = (app, { room, name, token, role, join }, onSession) => {
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
    const session = new Session({ room, ...(role && { role }), ...who }, media);
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
