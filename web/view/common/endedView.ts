/** The card after a call: why it ended, and the button that rejoins. */
import type { TriedPath } from '../../client/index.ts';
import type { EndReason } from '../controller/callEvents.ts';
import { translate } from '../locales/index.ts';
import { diagnoseLink } from './diagnoseLink.ts';
import { element } from './dom.ts';
import { downloadLogButton } from './downloadLog.ts';
import { errorMessage, reasonMessage } from './errorMessages.ts';
import { messageCard, primaryButton, startPageLink } from './messageCard.ts';

const endReasonTexts: Partial<Record<EndReason, readonly [string, string]>> = {
  left: [translate('ended'), ''],
  replaced: [translate('endedReplaced'), translate('endedReplacedText')],
  kicked: [translate('endedKicked'), translate('endedKickedText')],
  mediaFailed: [translate('endedNoMedia'), translate('endedNoMediaText')],
  roomEnded: [translate('endedForAll'), translate('endedForAllText')],
  expired: [translate('endedExpired'), translate('endedExpiredText')],
};

/** Ends that have nothing to do with the connection. */
const plainReasons: ReadonlySet<EndReason> = new Set(['kicked', 'left', 'roomEnded']);

export interface EndedOptions {
  readonly reason: EndReason;
  /** The ways to the server that were tried for media. */
  readonly triedPaths?: readonly TriedPath[];
  /** The name of the administrator who has ended it, if one has. */
  readonly by?: string | undefined;
  /** The error of the last rejoin attempt. */
  readonly error?: unknown;
  /** Title and text of reasons that differ from those of a call. */
  readonly texts?: Partial<Record<EndReason, readonly [string, string]>>;
  /** The label of the button that rejoins. */
  readonly rejoinLabel?: string;
  /** Whether its connection was lost at some time. */
  readonly hadTrouble?: boolean;
  onRejoin(): void;
}

export function endedView({
  reason,
  triedPaths = [],
  by,
  error,
  texts = {},
  rejoinLabel,
  hadTrouble,
  onRejoin,
}: EndedOptions): HTMLElement {
  const [title, nameless] = texts[reason] ?? endReasonTexts[reason] ?? defaultTexts(reason, error);
  const text = by === undefined ? nameless : (textWithName(reason, by) ?? nameless);
  const label =
    reason === 'expired' || reason === 'refused' ? translate('tryAgain') : (rejoinLabel ?? translate('joinAgain'));
  // No button for those who were removed.
  return messageCard(
    title,
    text !== '' && element('p', {}, text),
    reason === 'mediaFailed' && triedPaths.length > 0 && element('p', {}, triedText(triedPaths)),
    reason !== 'kicked' && primaryButton(label, onRejoin),
    !plainReasons.has(reason) && diagnoseLink(),
    (reason === 'disconnected' || reason === 'mediaFailed' || hadTrouble) && downloadLogButton(),
    startPageLink(),
  );
}

/** Why it ended, with the name of who has ended it. */
function textWithName(reason: EndReason, name: string): string | undefined {
  if (reason === 'kicked') return translate('endedKickedBy', { name });
  return reason === 'roomEnded' ? translate('endedForAllBy', { name }) : undefined;
}

const pathNames: Readonly<Record<TriedPath, string>> = {
  udp: 'UDP',
  tcp: 'TCP',
  'turn-udp': 'TURN (UDP)',
  'turn-tcp': 'TURN (TCP)',
  'turn-tls': 'TURN (TLS)',
};

function triedText(paths: readonly TriedPath[]): string {
  const names = paths.map((path) => pathNames[path]).join(', ');
  const key = paths.some((path) => path.startsWith('turn')) ? 'endedNoMediaTried' : 'endedNoMediaTriedDirect';
  return translate(key, { paths: names });
}

function defaultTexts(reason: EndReason, error: unknown): readonly [string, string] {
  if (reason === 'refused') return [translate('endedRefused'), errorMessage(error)];
  // All rejoin attempts failed.
  if (reason === 'disconnected') {
    return [
      translate('endedLost'),
      translate('endedLostText', { detail: error ? errorMessage(error) : translate('unreachable') }),
    ];
  }
  return [translate('endedOther'), reasonMessage(reason) ?? translate('connectionLost')];
}
