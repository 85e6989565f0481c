/** Files in the pictures: some are offered, accepted and sent in a call or on a stage; one is dragged over the page. */
import type { Page } from 'playwright-core';
import { openChat } from './chat.ts';
import { viewerName } from './people.ts';
import type { ShotContext } from './ShotContext.ts';

const offered = [
  ['Mina Park', 'agenda.pdf', 240_000],
  ['Jonas Weber', 'a rather long name of a recording of the last meeting.webm', 48_000_000],
] as const;

/** Drags a file over the page, or drops it there. */
async function drag(page: Page, type: 'dragover' | 'drop', on: string, size: number): Promise<void> {
  await page.locator(on).evaluate(
    (target, [event, bytes]) => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(bytes)], 'slides for monday.pptx'));
      target.dispatchEvent(new DragEvent(event, { bubbles: true, cancelable: true, dataTransfer: data }));
    },
    [type, size] as const,
  );
}

export async function dragFile(page: Page): Promise<void> {
  await drag(page, 'dragover', 'body', 1);
  await page.locator('.file-drop').waitFor();
}

export async function exchangeFiles(page: Page, context: ShotContext): Promise<void> {
  await openChat(page);
  for (const [name, file, size] of offered) {
    await context.participants.run(([who, what, bytes, to]) => window.pageParticipants.sendFile(who, what, bytes, to), [
      name,
      file,
      size,
      viewerName,
    ] as const);
    await page.locator('.file-row', { hasText: file }).waitFor();
  }
  // Nobody answers: the others receive nothing here.
  await page.locator('.file-row', { hasText: 'recording' }).locator('[data-action=accept]').click();
  await page.locator('.file-row[data-state=active]').waitFor();
  await dragFile(page);
  await drag(page, 'drop', '.file-target >> nth=0', 3_000_000);
  await page.locator('.file-row', { hasText: 'slides' }).waitFor();
  context.participants.invalidate();
}
