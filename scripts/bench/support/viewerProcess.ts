/** A process of headless broadcast members: the host, or some of the viewers. */
import { setTimeout } from 'node:timers/promises';
import { now } from '../../support/endpoint/clock.ts';
import type { Member } from '../../support/endpoint/Member.ts';
import { steady } from '../../support/media/material.ts';
import { steadyVideo } from '../../support/media/steady.ts';
import { answerQuestions } from '../../support/process/Child.ts';
import { pause } from './BareRoom.ts';
import { steadySimulcast } from './layers.ts';
import { Crowd, cameraOf } from './members.ts';
import { timeJoin } from './timedJoins.ts';
import { Filling, Flow, Hosting, JoinBurst } from './viewerMessages.ts';

/** Concurrent handshakes: several of these processes connect at the same time. */
const AT_ONCE = 4;

const crowd = new Crowd();
let host: Member | undefined;
const tracks = () => (host ? cameraOf(host) : []);

answerQuestions(
  {
    host: async (data) => {
      const { url, room, camera } = Hosting.parse(data);
      const streams = camera === 'steady' ? [steadyVideo(steady)] : steadySimulcast();
      const options = { url, room, name: 'host', kind: 'broadcast', role: 'host', receives: false } as const;
      [host] = await crowd.join([{ ...options, tracks: { camera: streams } }]);
      await host?.setLive(true);
    },
    flow: (data) => pause(tracks(), !Flow.parse(data)),
    sent: () => tracks().map(({ packets, keyFrameRequests }) => ({ packets, keyFrameRequests })),
    fill: async (data) => {
      const { url, room, names } = Filling.parse(data);
      await crowd.join(
        names.map((name) => ({ url, room, name, kind: 'broadcast', role: 'viewer' })),
        AT_ONCE,
      );
      return crowd.srtp;
    },
    received: () =>
      crowd.members.flatMap(({ media }) =>
        media.all.map(({ info, distinct }) => ({ consumerId: info.consumerId, distinct })),
      ),
    joinBurst: async (data) => {
      const { url, room, timeout, offers } = JoinBurst.parse(data);
      const joining = offers.map(async ({ name, at }) => {
        await setTimeout(Math.max(0, at - now()));
        return timeJoin({ url, room, name, kind: 'broadcast', role: 'viewer' }, { timeout, since: at });
      });
      const settled = await Promise.allSettled(joining);
      const joins = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      for (const { member } of joins) crowd.members.push(member);
      return {
        times: joins.map(({ time }) => time),
        failures: settled.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : [])),
        srtp: crowd.srtp,
      };
    },
  },
  async () => crowd.leave(),
);
