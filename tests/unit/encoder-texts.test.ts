/** Tests of the addresses and commands that the pages give for encoders and players. */
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { encoderTexts } from '../../web/view/encoder/encoderTexts.ts';

const base = 'https://weir.example/meet/';

test('of a call on an open server, addresses are all that is needed', () => {
  const texts = encoderTexts({ room: 'Monday coffee', kind: 'call', asksForToken: false }, base);
  expect(texts).toMatchObject({
    whip: 'https://weir.example/meet/whip/Monday%20coffee',
    watch: 'https://weir.example/meet/watch/Monday%20coffee',
    encoderToken: undefined,
    viewerToken: undefined,
  });
  expect(texts.gstreamer + texts.ffmpeg).not.toContain('TOKEN');
});

test('of a broadcast with tokens, commands make one for the stage and one for viewers', () => {
  const texts = encoderTexts({ room: 'launch', kind: 'broadcast', asksForToken: true }, base);
  expect(texts.whip).toBe('https://weir.example/meet/whip/launch?kind=broadcast');
  expect(texts.encoderToken).toBe(
    "npm run token -- --broadcast --room 'launch' --identity encoder --no-subscribe --minutes 720",
  );
  expect(texts.viewerToken).toBe("npm run token -- --broadcast --room 'launch' --identity viewer --no-publish");
  expect(texts.gstreamer).toContain('-t "$TOKEN"');
  expect(texts.ffmpeg).toContain('-authorization "$TOKEN"');
});

test.each(['it\'s $HOME `id` \\ "so" & more; 방', "'; echo other #"])('a shell takes %j as one word', (room) => {
  const {
    encoderToken = '',
    ffmpeg,
    gstreamer,
    whip,
  } = encoderTexts({ room, kind: 'broadcast', asksForToken: true }, base);
  const words = (command: string) => {
    const { stdout } = spawnSync('sh', ['-c', `printf '%s\\n' ${command}`], { encoding: 'utf8', env: {} });
    return stdout.split('\n');
  };
  expect(words(encoderToken)).toContain(room);
  expect(words(ffmpeg)).toContain(whip);
  expect(words(gstreamer)).toContain(whip);
  expect(decodeURIComponent(new URL(whip).pathname)).toBe(`/meet/whip/${room}`);
});
