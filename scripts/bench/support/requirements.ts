/** Checks what each benchmark requires of the machine, and reports what is missing. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { paths } from '../../setup/paths.mjs';
import { workerBinary } from '../../setup/worker.mjs';
import { whyNoNamespaces } from '../../support/network/namespaces.ts';
import { whyNoNetworkCall } from '../../support/servers/NetworkCall.ts';
import { FloorError, floorBinary } from './floor.ts';
import { whyNoJanus } from './Janus.ts';

/** Where `browser.ts` expects Chromium. */
const CHROMIUM = '/usr/bin/chromium';

/** @returns the reason, as a sentence; undefined where the requirement is met */
type Check = (quick: boolean) => string | undefined | Promise<string | undefined>;

const linux: Check = () => (process.platform === 'linux' ? undefined : 'it reads /proc, which only Linux has');
const worker: Check = () =>
  workerBinary(paths()) ? undefined : 'there is no media worker (npm run bench finds or builds one)';
const ffmpeg: Check = () =>
  (process.env.PATH ?? '').split(delimiter).some((directory) => existsSync(join(directory, 'ffmpeg')))
    ? undefined
    : 'ffmpeg is missing (the package ffmpeg has it)';
const namespaces: Check = () => whyNoNamespaces();
const alwaysChromium: Check = () =>
  existsSync(CHROMIUM) ? undefined : `${CHROMIUM} is missing (the package chromium has it)`;
const chromium: Check = (quick) => (quick ? undefined : alwaysChromium(quick));
const floor: Check = async () => {
  try {
    await floorBinary();
    return undefined;
  } catch (error) {
    if (error instanceof FloorError) return error.message;
    throw error;
  }
};

const needs: Readonly<Record<string, readonly Check[]>> = {
  forward: [linux, worker, floor],
  pipes: [linux, worker],
  chat: [linux, worker],
  data: [worker, alwaysChromium],
  join: [linux, worker, namespaces, ffmpeg, chromium],
  'join-burst-load': [linux, worker, ffmpeg],
  'join-burst': [worker],
  signalling: [worker],
  memory: [linux, worker],
  shown: [linux, worker, ffmpeg, chromium],
  unwatched: [worker, chromium],
  speakers: [linux, worker, alwaysChromium],
  'audio-slots': [linux, worker],
  lipsync: [worker, chromium],
  'link-drop': [worker, namespaces, ffmpeg, chromium],
  audience: [linux, worker],
  'join-burst-broadcast': [linux, worker],
  'glass-to-glass': [worker, namespaces, alwaysChromium],
  direct: [linux, worker, alwaysChromium],
  files: [linux, worker, namespaces, alwaysChromium],
  reach: [worker, ffmpeg, () => whyNoNetworkCall()],
  whep: [worker, namespaces, ffmpeg, alwaysChromium, () => whyNoJanus()],
};

/** Why a benchmark cannot run here, as a sentence; undefined where it can. */
export async function whyNotHere(name: string, quick: boolean): Promise<string | undefined> {
  for (const check of needs[name] ?? [worker]) {
    const why = await check(quick);
    if (why) return why;
  }
  return undefined;
}
