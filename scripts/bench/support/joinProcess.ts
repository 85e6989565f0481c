/** A process whose members publish to, or join, a server across the network namespace that it runs in. */
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { now } from '../../support/endpoint/clock.ts';
import { Member } from '../../support/endpoint/Member.ts';
import { MemberMedia } from '../../support/endpoint/MemberMedia.ts';
import { receiveCapabilities } from '../../support/endpoint/parameters.ts';
import { prepareMaterial } from '../../support/media/material.ts';
import { answerQuestions } from '../../support/process/Child.ts';
import { StepClient } from './StepClient.ts';

const Where = z.object({ which: z.enum(['weir', 'steps']), url: z.string(), room: z.string() });
type Where = z.infer<typeof Where>;

/** How long a join waits for its first frame, in milliseconds. */
const TIMEOUT = 20_000;
const material = await prepareMaterial({ video: '360p', audio: true, codec: 'vp8' });
const voice = { microphone: material.microphone };

interface JoinedMember {
  readonly media: MemberMedia;
  /** When its socket was open, and Weir's welcome received; milliseconds since 1970. */
  readonly openedAt: number;
  leave(): void;
}

/** Joins either kind of server; resolves as soon as the server has accepted the join. */
async function enter({ which, url, room }: Where, tracks: typeof material): Promise<JoinedMember> {
  if (which === 'weir') {
    const { member } = await Member.join({ url, room, name: `member-${now()}`, tracks });
    return { media: member.media, openedAt: member.moments.welcomed, leave: () => member.leave() };
  }
  const media = new MemberMedia();
  const client = await StepClient.join(url, room, {
    device: receiveCapabilities,
    connect: (_info, direction) => media.open(direction),
    // A failed connection is ignored here: the join then times out without a frame.
    connected: (info, direction) => void media.connect(direction, info).catch(() => {}),
    consume: (consumer) => media.receive([consumer]),
  });
  const publishing = async () => {
    for (const source of ['camera', 'microphone'] as const) {
      const streams = tracks[source];
      if (streams) await client.produce(source, () => media.publish(source, streams));
    }
  };
  publishing().catch(() => {});
  return {
    media,
    openedAt: client.openedAt,
    leave() {
      client.close();
      media.close();
    },
  };
}

const publishers: JoinedMember[] = [];

/** Milliseconds from the opening of the socket. */
interface TimedJoin {
  readonly opened: number;
  readonly packet: number;
  /** A whole key frame. */
  readonly frame: number;
  readonly srtp: string;
}

async function timeJoin(where: Where): Promise<TimedJoin> {
  const began = now();
  const { media, openedAt, leave } = await enter(where, voice);
  try {
    for (;;) {
      const receivers = [...media.receivers.values()];
      const [packet, frame] = [
        receivers.map(({ firstAt }) => firstAt),
        receivers.map(({ firstFrameAt }) => firstFrameAt),
      ].map((moments) => Math.min(...moments.filter((moment) => moment > 0)));
      if (packet !== undefined && frame !== undefined && Number.isFinite(packet) && Number.isFinite(frame)) {
        return { opened: openedAt - began, packet: packet - began, frame: frame - began, srtp: media.srtp };
      }
      if (now() - began > TIMEOUT) throw new Error(`No picture came from ${where.which}.`);
      // Timestamps are taken when packets arrive; the poll interval does not affect them.
      await setTimeout(20);
    }
  } finally {
    leave();
  }
}

answerQuestions(
  {
    publish: async (where) => {
      publishers.push(await enter(Where.parse(where), material));
    },
    timeJoin: (where) => timeJoin(Where.parse(where)),
  },
  async () => {
    for (const { leave } of publishers) leave();
  },
);
