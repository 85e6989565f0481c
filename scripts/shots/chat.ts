/** The chat in the pictures: opens it and lets a conversation happen, in calls and broadcasts. */
import type { Page } from 'playwright-core';
import type { ShotContext } from './ShotContext.ts';

type Line = readonly [name: string, text: string];

/** What is said, by scene. One's own lines are those of `me`. */
const conversations = {
  call: [
    ['Mina Park', 'Good morning! The agenda is at https://example.com/monday/agenda.'],
    ['Mina Park', 'Ten minutes, I promise 🙂'],
    ['Jonas Weber', 'Half the cache is gone, and nobody noticed.'],
    ['me', 'I did. Look at https://grafana.example.com/d/cache?from=now-6h'],
    ['Jonas Weber', '그래프가 예쁘네요'],
    ['Priya Raman', 'I cannot speak here, but I agree with all of it:\n1. ship it today\n2. write it down'],
  ],
  guest: [
    ['Priya Raman', 'Is there a recording?'],
    ['Tomás Oliveira', 'The sound is good now, thank you.'],
    ['me', 'Yes, tomorrow on https://example.com/launch.'],
    ['Jonas Weber', 'How do you keep the latency that low?'],
  ],
  stage: [
    ['Jonas Weber', 'Welcome! Questions go in here.'],
    ['me', 'Hello from Busan 👋'],
    ['Mina Park', 'The slides are at https://example.com/launch/slides'],
  ],
} as const satisfies Record<string, readonly Line[]>;

export async function openChat(page: Page): Promise<void> {
  await page.locator('.control-bar [data-control=chat]').click();
  await page.locator('.chat textarea').waitFor();
}

export async function converse(
  page: Page,
  context: ShotContext,
  name: keyof typeof conversations = 'call',
): Promise<void> {
  await openChat(page);
  for (const line of conversations[name]) {
    const [author, text] = line;
    if (author === 'me') {
      await page.locator('.chat textarea').fill(text);
      await page.locator('.chat-send').click();
    } else await context.participants.run(([who, what]) => window.pageParticipants.write(who, what), line);
    await page
      .locator('.chat-message.sent', { hasText: text.slice(0, 12) })
      .last()
      .waitFor();
  }
  // The next picture has a room without a history.
  context.participants.invalidate();
}
