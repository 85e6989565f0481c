/** Owns the page on which a broadcast is watched: the way in and out of it. */
import { createLocalMedia } from '../../call/callPage.ts';
import { defaultDisplayName } from '../../common/displayName.ts';
import type { RoutePage } from '../../common/route.ts';
import { CallController } from '../../controller/CallController.ts';
import { joinErrorView, viewerEndedView } from './joinErrorView.ts';
import { viewerView } from './viewerView.ts';

/** How long an attempt is seen at least, in milliseconds. */
const MIN_JOINING = 400;

export const viewerPage: RoutePage = (app, { room, role, name, token: given }, onSession) => {
  /** Says why we are not in, and takes another token where that helps. */
  const askAgain = (error: unknown, token: string | undefined) =>
    app.replaceChildren(joinErrorView({ room, error, token, onEnter: enter }));

  /** Watches at once: there is nothing to choose before. No device runs unless we go onto the stage. */
  const enter = (token: string | undefined) => {
    const media = createLocalMedia();
    const who = { name: defaultDisplayName(name), ...(token && { token }) };
    const call = new CallController({ room, kind: 'broadcast', role: role ?? 'viewer', ...who }, media);
    const joining = call.join();
    onSession(call);
    const view = viewerView(call, (reason) => {
      media.close();
      const { token: fresh, rejoinRefusal } = call;
      const onAgain = () => (rejoinRefusal ? askAgain(rejoinRefusal, fresh) : enter(fresh));
      app.replaceChildren(viewerEndedView(reason, call.rejoinError, onAgain));
    });
    app.replaceChildren(view.root);
    const began = performance.now();
    joining.catch(async (error: unknown) => {
      view.close();
      media.close();
      // Whoever has pressed a button sees that it did something, however quickly that fails.
      await new Promise((resolve) => setTimeout(resolve, MIN_JOINING - (performance.now() - began)));
      askAgain(error, token);
    });
  };
  enter(given);
};
