/** The page of a viewer: joins the broadcast at once, without a lobby. */

import { defaultDisplayName } from '../../common/displayName.ts';
import { initialVideoLimit } from '../../common/gridLayout.ts';
import { createLocalMedia } from '../../common/localMedia.ts';
import type { RoutePage } from '../../common/route.ts';
import { CallController } from '../../controller/CallController.ts';
import { joinErrorView, viewerEndedView } from './joinErrorView.ts';
import { viewerView } from './viewerView.ts';

/** How long the progress of a join is visible at least, in milliseconds. */
const MIN_PROGRESS = 400;

export const viewerPage: RoutePage = (app, { room, role, name, token: given, iceTransportPolicy }, onCall) => {
  /** Shows why the join failed, and asks for another token where the error is about it. */
  const showJoinError = (error: unknown, token: string | undefined) =>
    app.replaceChildren(joinErrorView({ room, error, token, onJoin: join }));

  /** Starts no device: these start on the stage only. */
  const join = (token: string | undefined) => {
    const media = createLocalMedia();
    const identity = { name: defaultDisplayName(name), ...(token && { token }) };
    const call = new CallController(
      { room, kind: 'broadcast', role: role ?? 'viewer', ...identity, initialVideoLimit, iceTransportPolicy },
      media,
    );
    const joining = call.join();
    onCall(call);
    const view = viewerView(call, (reason) => {
      media.close();
      const { token: fresh, rejoinRefusal } = call;
      const onAgain = () => (rejoinRefusal ? showJoinError(rejoinRefusal, fresh) : join(fresh));
      app.replaceChildren(
        viewerEndedView({
          ...{ reason, triedPaths: call.triedPaths, by: call.endedBy, error: call.rejoinError },
          onRejoin: onAgain,
        }),
      );
    });
    app.replaceChildren(view.root);
    const startedAt = performance.now();
    joining.catch(async (error: unknown) => {
      view.close();
      media.close();
      // However quickly the join fails, the press of a button has a visible effect.
      await new Promise((resolve) => setTimeout(resolve, MIN_PROGRESS - (performance.now() - startedAt)));
      showJoinError(error, token);
    });
  };
  join(given);
};
