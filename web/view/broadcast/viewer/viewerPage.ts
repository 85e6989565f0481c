/** Owns the page on which a broadcast is watched: the way in and out of it. */
import { newMedia } from '../../call/callPage.ts';
import type { RoutePage } from '../../common/route.ts';
import { nameWithoutLobby } from '../../lobby/ownName.ts';
import { CallController } from '../../participation/CallController.ts';
import { goneView, joinErrorView } from './joinErrorView.ts';
import { viewerView } from './view.ts';

/** How long an attempt is seen at least, in milliseconds. */
const SEEN = 400;

export const viewerPage: RoutePage = (app, { room, role, name, token: given }, onSession) => {
  /** Says why we are not in, and takes another token where that helps. */
  const askAgain = (error: unknown, token: string | undefined) =>
    app.replaceChildren(joinErrorView({ room, error, token, onEnter: enter }));

  /** Watches at once: there is nothing to choose before. No device runs unless we go onto the stage. */
  const enter = (token: string | undefined) => {
    const media = newMedia();
    const who = { name: nameWithoutLobby(name), ...(token && { token }) };
    const session = new CallController({ room, kind: 'broadcast', role: role ?? 'viewer', ...who }, media);
    const joining = session.join();
    onSession(session);
    const view = viewerView(session, (reason) => {
      media.close();
      const { token: fresh, refusal } = session;
      const onAgain = () => (refusal ? askAgain(refusal, fresh) : enter(fresh));
      app.replaceChildren(goneView(reason, session.failure, onAgain));
    });
    app.replaceChildren(view.root);
    const began = performance.now();
    joining.catch(async (error: unknown) => {
      view.close();
      media.close();
      // Whoever has pressed a button sees that it did something, however quickly that fails.
      await new Promise((resolve) => setTimeout(resolve, SEEN - (performance.now() - began)));
      askAgain(error, token);
    });
  };
  enter(given);
};
