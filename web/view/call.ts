/** Owns the call: its stage, its bar of controls, and what is said when something does not work. */
import {
  DeviceError,
  openCamera,
  openMicrophone,
  openScreen,
  type RoomClient,
  type Source,
  WeirError,
} from '../client/index.ts';
import { announce, element } from './dom.ts';
import { stageView } from './stage.ts';

export interface CallOptions {
  readonly client: RoomClient;
  readonly wish: { room: string; name: string; token?: string };
  /** The server did not let us in. */
  onRefused(problem: { message: string; needsToken: boolean }): void;
  onRejoin(): void;
}

export function callView({ client, wish, onRefused, onRejoin }: CallOptions): HTMLElement {
  const notice = element('p', { className: 'notice', role: 'alert', hidden: true });
  const say = (text: string) => {
    notice.textContent = text;
    notice.hidden = false;
  };
  const root = element('div', { className: 'call' }, stageView(client, wish.name), notice, bar(client, say));

  client.on('closed', ({ message }) => root.replaceChildren(ended(message, onRejoin)));
  void start(client, wish, say).catch((error: unknown) => {
    const refusal = WeirError.from(error);
    onRefused({ message: refusal.message, needsToken: refusal.code === 'unauthorized' });
  });
  return root;
}

/** Joins while the devices open; each is published as soon as both are there. */
async function start(client: RoomClient, wish: CallOptions['wish'], say: (text: string) => void): Promise<void> {
  const opened = [
    { source: 'camera', track: openCamera() },
    { source: 'microphone', track: openMicrophone() },
  ] as const;
  for (const { track } of opened) track.catch(() => {});
  const stopAll = () => {
    for (const { track } of opened) track.then((one) => one.stop()).catch(() => {});
  };
  client.on('closed', stopAll);
  await client.join(wish);
  await Promise.all(
    opened.map(async ({ source, track }) => {
      try {
        if (mayPublish(client, source)) await client.publish(source, await track);
      } catch (error) {
        if (client.state === 'joined') say(`${label[source]}: ${words(error)}`);
      }
    }),
  );
}

const label: Readonly<Record<Source, string>> = {
  camera: 'Camera',
  microphone: 'Microphone',
  screen: 'Screen',
  screenAudio: 'Sound of the screen',
};

function mayPublish(client: RoomClient, source: Source): boolean {
  return client.grants?.canPublish === true && client.grants.canPublishSources.includes(source);
}

function words(error: unknown): string {
  return error instanceof DeviceError || error instanceof WeirError ? error.message : 'Something went wrong.';
}

function bar(client: RoomClient, say: (text: string) => void): HTMLElement {
  const button = (name: string, shown: string, act: () => Promise<void> | void) => {
    const made = element(
      'button',
      { type: 'button', data: { control: name }, attributes: { 'aria-pressed': 'false' } },
      shown,
    );
    made.addEventListener('click', async () => {
      made.disabled = true;
      try {
        await act();
      } catch (error) {
        say(words(error));
        announce(words(error));
      } finally {
        made.disabled = false;
      }
    });
    return made;
  };
  const microphone = button('microphone', 'Unmute', () => toggleMicrophone(client));
  const camera = button('camera', 'Camera on', () => toggleCamera(client));
  const screen = button('screen', 'Share screen', () => toggleScreen(client));
  const leave = button('leave', 'Leave', () => client.leave());
  leave.className = 'danger';
  const refresh = () => {
    const { microphone: voice, camera: picture, screen: shared } = client.sources;
    const show = (one: HTMLButtonElement, on: boolean, words: string) => {
      one.textContent = words;
      one.setAttribute('aria-pressed', String(on));
    };
    show(microphone, voice === 'live', voice === 'live' ? 'Mute' : 'Unmute');
    show(camera, picture !== undefined, picture ? 'Camera off' : 'Camera on');
    show(screen, shared !== undefined, shared ? 'Stop sharing' : 'Share screen');
  };
  client.on('localChanged', refresh);
  return element('div', { className: 'bar', role: 'toolbar', ariaLabel: 'Call' }, microphone, camera, screen, leave);
}

async function toggleMicrophone(client: RoomClient): Promise<void> {
  const state = client.sources.microphone;
  if (state === 'live') await client.mute('microphone');
  else if (state === 'paused') await client.unmute('microphone');
  else await client.publish('microphone', await openMicrophone());
}

/** A camera that is off is closed, so that its light goes out. */
async function toggleCamera(client: RoomClient): Promise<void> {
  const track = client.localTrack('camera');
  if (!track) {
    await client.publish('camera', await openCamera());
    return;
  }
  track.stop();
  await client.unpublish('camera');
}

async function toggleScreen(client: RoomClient): Promise<void> {
  const shared = [client.localTrack('screen'), client.localTrack('screenAudio')];
  if (shared[0]) {
    for (const track of shared) track?.stop();
    await Promise.all([client.unpublish('screen'), client.unpublish('screenAudio')]);
    return;
  }
  const { video, audio } = await openScreen();
  // The browser's own "stop sharing" ends the picture; the sound goes with it.
  video.addEventListener('ended', () => {
    audio?.stop();
    void client.unpublish('screenAudio').catch(() => {});
  });
  await Promise.all([client.publish('screen', video), audio && client.publish('screenAudio', audio)]);
}

function ended(message: string, onRejoin: () => void): HTMLElement {
  const again = element('button', { type: 'button', className: 'primary' }, 'Join again');
  again.addEventListener('click', onRejoin);
  return element(
    'div',
    { className: 'card', role: 'alert' },
    element('h1', {}, 'Call ended'),
    element('p', {}, message),
    again,
  );
}
