/** The dialog by which an administrator changes what a participant may do. */
import { type GrantsPatch, type Source, sources } from '../../client/index.ts';
import { element } from '../common/dom.ts';
import type { CallController } from '../controller/CallController.ts';
import type { Participant } from '../controller/Participant.ts';
import { translate as translateCommon } from '../locales/index.ts';
import { translateModeration as translate } from '../locales/moderation.ts';

/** The sources that each checkbox is about. */
const groups = {
  useMicrophone: ['microphone'],
  useCamera: ['camera'],
  shareScreen: ['screen', 'screenAudio'],
} as const satisfies Record<string, readonly Source[]>;

/**
 * Shows the dialog over `root`, and changes the grants when it is saved.
 * @throws {WeirError} `forbidden`, `notFound` once they have left
 */
export async function grantsDialog(call: CallController, participant: Participant, root: Element): Promise<void> {
  const { name, peerId } = participant;
  const { moderation } = call.client;
  const grants = await moderation.getGrants(peerId);
  const may = (source: Source) => grants.canPublish && grants.canPublishSources.includes(source);
  const boxes = {
    useMicrophone: checkbox(translate('useMicrophone'), may('microphone')),
    useCamera: checkbox(translate('useCamera'), may('camera')),
    shareScreen: checkbox(translate('shareScreen'), may('screen')),
    sendData: checkbox(translate('sendData'), grants.canPublishData),
    administer: checkbox(translate('administer'), grants.roomAdmin),
  };
  const isSaved = await ask(
    root,
    translate('rightsTitle', { name }),
    Object.values(boxes).map(({ row }) => row),
  );
  if (!isSaved) return;
  const allowed = sources.filter((source) =>
    (['useMicrophone', 'useCamera', 'shareScreen'] as const).some(
      (key) => boxes[key].input.checked && groups[key].some((one) => one === source),
    ),
  );
  const patch: GrantsPatch = {
    // In a broadcast, whoever may publish nothing is a viewer: that is another button.
    canPublish: grants.canPublish || allowed.length > 0,
    canPublishSources: allowed,
    canPublishData: boxes.sendData.input.checked,
    roomAdmin: boxes.administer.input.checked,
  };
  await call.client.setGrants(peerId, patch);
}

function checkbox(label: string, checked: boolean): { readonly row: HTMLElement; readonly input: HTMLInputElement } {
  const input = element('input', { type: 'checkbox', checked });
  return { input, row: element('label', { className: 'check-row' }, input, element('span', {}, label)) };
}

/** @returns whether it was saved */
function ask(root: Element, title: string, rows: readonly HTMLElement[]): Promise<boolean> {
  const heading = element('h2', { id: 'grants-title' }, title);
  const cancel = element('button', { type: 'button' }, translateCommon('cancel'));
  const save = element('button', { type: 'button', className: 'primary' }, translate('save'));
  const dialog = element(
    'dialog',
    { className: 'confirm-dialog', attributes: { 'aria-labelledby': heading.id } },
    heading,
    element('div', { className: 'check-rows' }, ...rows),
    element('div', { className: 'dialog-actions' }, cancel, save),
  );
  return new Promise((resolve) => {
    let isSaved = false;
    cancel.addEventListener('click', () => dialog.close());
    save.addEventListener('click', () => {
      isSaved = true;
      dialog.close();
    });
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(isSaved);
    });
    root.append(dialog);
    dialog.showModal();
  });
}
