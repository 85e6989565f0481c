/** A process that publishes one camera and microphone, prepared once, to Weir and as plain RTP, from the namespace that it runs in. */
import { z } from 'zod';
import { Member } from '../../support/endpoint/Member.ts';
import { prepareMaterial } from '../../support/media/material.ts';
import { answerQuestions } from '../../support/process/Child.ts';
import { until } from '../../support/until.ts';
import { PlainSender } from './PlainSender.ts';

const Where = z.object({ url: z.string(), room: z.string() });
const TakeOver = Where.extend({ early: z.boolean() });
const Ports = z.object({ rtp: z.number(), rtcp: z.number() });
const Endpoint = z.object({
  url: z.string(),
  address: z.string(),
  ingest: z.object({ audio: Ports, video: Ports }),
});

/** How long the receiver of plain RTP may take to start, in milliseconds. */
const TIMEOUT = 15_000;
const material = await prepareMaterial({ video: '360p', audio: true, codec: 'vp8' });
const cleanup = new DisposableStack();
let publisher: Member | undefined;

async function publish({ url, room }: z.infer<typeof Where>): Promise<Member> {
  const { member, ready } = await Member.join({ url, room, name: 'Publisher', tracks: material });
  cleanup.defer(() => member.leave());
  await ready;
  return member;
}

answerQuestions(
  {
    publish: async (where) => {
      publisher = await publish(Where.parse(where));
    },
    /** Somebody else publishes instead: one who is there before the former leaves, or who comes when that one has left. */
    takeOver: async (data) => {
      const { early, ...where } = TakeOver.parse(data);
      const former = publisher;
      if (early) {
        publisher = await publish(where);
        publisher.setSpeaking(false);
      }
      former?.leave();
      if (!early) publisher = await publish(where);
      publisher?.setSpeaking(true);
    },
    /** Sends plain RTP, once the API of its receiver answers. */
    feed: async (endpoint) => {
      const { url, address, ingest } = Endpoint.parse(endpoint);
      const answers = async () => (await fetch(`${url}/info`).catch(() => undefined))?.ok ?? false;
      await until('an answer of the API', TIMEOUT, answers, 50);
      const [video] = material.camera ?? [];
      const [audio] = material.microphone ?? [];
      if (!video || !audio) throw new Error('There is nothing to send.');
      cleanup.use(
        await PlainSender.start(address, [
          { stream: audio, ports: ingest.audio },
          { stream: video, ports: ingest.video },
        ]),
      );
    },
  },
  async () => cleanup.dispose(),
);
