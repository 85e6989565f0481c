/**
 * A process that publishes a camera in three layers, which browsers can decode, from the network namespace that it runs
 * in, and counts what it receives where it is asked to.
 */
import { z } from 'zod';
import { prepareStreams } from '../media/prepare.ts';
import { answerQuestions } from '../process/Child.ts';
import { Member } from './Member.ts';

const Where = z.object({ url: z.string(), room: z.string(), receives: z.boolean().default(false) });

/** The SDK's layers, lowest first. */
const layers = [
  { width: 320, height: 180, bitrate: 150_000 },
  { width: 640, height: 360, bitrate: 500_000 },
  { width: 1280, height: 720, bitrate: 1_500_000 },
];
const camera = await prepareStreams('vp8', layers);
const members: Member[] = [];

answerQuestions(
  {
    publish: async (where) => {
      const { url, room, receives } = Where.parse(where);
      const { member, ready } = await Member.join({
        url,
        room,
        name: 'publisher',
        tracks: { camera },
        receives,
      });
      members.push(member);
      await ready;
      return member.peerId;
    },
    /** Distinct packets of the camera of a peer that have arrived. */
    packetsOf: (peerId) =>
      members
        .flatMap(({ media }) => media.all)
        .filter(({ info }) => info.peerId === peerId && info.source === 'camera')
        .reduce((sum, { distinct }) => sum + distinct, 0),
    keyFrameRequests: () =>
      members
        .flatMap(({ media }) => media.tracks.get('camera') ?? [])
        .reduce((sum, { keyFrameRequests }) => sum + keyFrameRequests, 0),
  },
  async () => {
    for (const member of members) member.leave();
  },
);
