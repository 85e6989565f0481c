/** Tests of the chat: who is sent what, who may change it, and what those who come later or come back are told. */
import { describe, expect, test } from 'vitest';
import { type Joined, useServer } from '../support/weir.ts';

/** The texts that a client has been sent by events, and takes from what is unread. */
async function received({ client }: Joined): Promise<string[]> {
  // What was sent before has arrived.
  await client.request('ping', {});
  await client.request('ping', {});
  return client.unreadEvents('chatMessages').flatMap(({ messages }) => messages.map(({ text }) => text));
}

describe('in a call', () => {
  const weir = useServer();

  test('a message goes to all others in order, and its sender has it as the reply', async () => {
    const [ada, bob, eve] = [
      await weir.join({ room: 'r' }),
      await weir.join({ room: 'r' }),
      await weir.join({ room: 'r' }),
    ];
    const first = await ada.client.request('sendChat', { text: ' one\r\ntwo\u202e ' });
    const second = await bob.client.request('sendChat', { text: 'three' });
    expect(first).toMatchObject({ seq: 1, changedSeq: 1, text: 'one\ntwo', from: { peerId: ada.reply.peerId } });
    expect(second.seq).toBe(2);
    expect(await received(ada)).toEqual(['three']);
    expect(await received(bob)).toEqual(['one\ntwo']);
    expect(await received(eve)).toEqual(['one\ntwo', 'three']);
    const late = await weir.join({ room: 'r' });
    expect(late.reply.chat).toMatchObject({ seq: 2, enabled: true, slowSeconds: 0 });
    expect(await late.client.request('getChat', { after: 0 })).toEqual({
      messages: [first, second],
      seq: 2,
      more: false,
      truncated: false,
    });
  });

  test('a private message goes to one only', async () => {
    const [ada, bob, eve] = [
      await weir.join({ room: 'p' }),
      await weir.join({ room: 'p' }),
      await weir.join({ room: 'p' }),
    ];
    const secret = await ada.client.request('sendChat', { text: 'secret', to: bob.reply.peerId });
    expect(await received(bob)).toEqual(['secret']);
    expect(await received(eve)).toEqual([]);
    expect((await eve.client.request('getChat', { after: 0 })).messages).toEqual([]);
    expect(await eve.client.requestRaw('deleteChat', { id: secret.id })).toMatchObject({ error: { code: 'notFound' } });
  });
});
