/** People in tests: each a browser process of its own, with a colour for a face and a tone for a voice. */
import type { Browser, Page } from 'playwright-core';
import { expect } from 'vitest';
import type { Captures, Looks } from '../../scripts/support/browsers/captures.ts';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { type Drivable, peopleOn } from './tiles.ts';

/** Timeout of a condition on a busy machine, and the poll interval, in milliseconds. */
const POLLING = { timeout: 40_000, interval: 60 };

/** `expect.poll` with the timeouts of real media and browsers. */
export function eventually<T>(fact: () => Promise<T>, message?: string) {
  return expect.poll(fact, { ...POLLING, message });
}

/** A participant with a browser. */
export class Person implements AsyncDisposable {
  readonly name: string;
  /** Undefined where the browser denies camera and microphone. */
  readonly looks: Looks | undefined;
  readonly #browser: Browser;

  private constructor(name: string, looks: Looks | undefined, browser: Browser) {
    this.name = name;
    this.looks = looks;
    this.#browser = browser;
  }

  /** @param refusesSound whether the browser plays audio only after a user gesture */
  static async start(name: string, looks: Looks, captures: Captures, refusesSound = false): Promise<Person> {
    return new Person(name, looks, await launchChromium({ ...captures.make(looks), refusesSound }));
  }

  /** Starts a participant who is denied camera and microphone. */
  static async startDenied(name: string): Promise<Person> {
    return new Person(name, undefined, await launchChromium({ deny: true }));
  }

  /** A new page in a context of its own. @param goesOn whether it opens pages whose certificate it does not trust */
  async page({ goesOn = false } = {}): Promise<Page> {
    const context = await this.#browser.newContext({
      viewport: { width: 640, height: 480 },
      ignoreHTTPSErrors: goesOn,
    });
    return context.newPage();
  }

  /** Opens a room's page, without the lobby. */
  async enter(server: string, room: string): Promise<Page> {
    const page = await this.page();
    await page.goto(roomUrl(server, room, this.name));
    return page;
  }

  /** Closes all pages between tests. */
  async leaveAll(): Promise<void> {
    await Promise.all(this.#browser.contexts().map((context) => context.close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
  }
}

export function roomUrl(server: string, room: string, name: string): string {
  return `${server}/r/${encodeURIComponent(room)}?${new URLSearchParams({ name, join: '1' })}`;
}

const faceless = { colour: undefined, tone: undefined };

/** Waits until a page shows exactly these participants, each with the right colour and tone. */
export async function expectToSee(page: Drivable, people: readonly Person[]): Promise<void> {
  const wanted = Object.fromEntries(people.map(({ name, looks }) => [name, looks ?? faceless]));
  await eventually(() => peopleOn(page), 'the faces and voices on the page').toEqual(wanted);
}
