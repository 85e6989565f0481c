/** One check on the page: its state in words and with an icon, what was measured, and what to do. */
import {
  Camera,
  CircleAlert,
  CircleCheck,
  CircleDashed,
  CircleHelp,
  CircleX,
  Clock,
  Gauge,
  Globe,
  type IconNode,
  LoaderCircle,
  Mic,
  Minus,
  Network,
  Plug,
  Volume2,
} from 'lucide';
import { element, icon, setText } from '../common/dom.ts';
import { type DiagnoseKey, translateDiagnose } from '../locales/diagnose.ts';
import type { CheckName, CheckResult, Grade } from './Check.ts';

/** A grade, or that there is none yet. */
export type RowState = Grade | 'waiting' | 'running';

const stateWords: Readonly<Record<RowState, readonly [IconNode, DiagnoseKey]>> = {
  waiting: [CircleDashed, 'gradeWaiting'],
  running: [LoaderCircle, 'gradeRunning'],
  good: [CircleCheck, 'gradeGood'],
  fair: [CircleAlert, 'gradeFair'],
  bad: [CircleX, 'gradeBad'],
  open: [CircleHelp, 'gradeOpen'],
  skipped: [Minus, 'gradeSkipped'],
};
const icons: Readonly<Record<CheckName, IconNode>> = {
  camera: Camera,
  microphone: Mic,
  speaker: Volume2,
  browser: Globe,
  signalling: Plug,
  clock: Clock,
  udp: Network,
  tcp: Network,
  turnUdp: Network,
  turnTcp: Network,
  turnTls: Network,
  throughput: Gauge,
};

export class CheckRow {
  readonly root: HTMLLIElement;
  /** For what only this check shows: a picture, a meter, buttons. */
  readonly extras = element('div', { className: 'check-extras' });
  readonly #state = element('span', { className: 'check-state' });
  readonly #text = element('p', { className: 'check-text', hidden: true });
  readonly #advice = element('p', { className: 'check-advice', hidden: true });
  readonly #question = element('div', { className: 'check-question', role: 'group', hidden: true });
  readonly #questionText = element('span', {});

  /** @param onAnswer the person has answered the question of an open result */
  constructor(name: CheckName, onAnswer: (yes: boolean) => void) {
    this.#question.append(this.#questionText, answerButton('yes', onAnswer), answerButton('no', onAnswer));
    this.root = element(
      'li',
      { className: 'check', data: { check: name } },
      element('span', { className: 'check-icon' }, icon(icons[name], 20)),
      element('h3', {}, translateDiagnose(name)),
      this.#state,
      element('div', { className: 'check-body' }, this.#text, this.extras, this.#question, this.#advice),
    );
    this.show('waiting');
  }

  /** Shows a state without a result. */
  show(state: 'waiting' | 'running', text = ''): void {
    this.#render(state, { text });
  }

  showResult(result: CheckResult): void {
    this.#render(result.grade, result);
  }

  #render(state: RowState, { text, advice, question }: Pick<CheckResult, 'text' | 'advice' | 'question'>): void {
    const [node, word] = stateWords[state];
    this.root.dataset.state = state;
    this.#state.replaceChildren(icon(node, 18), element('span', {}, translateDiagnose(word)));
    for (const [target, content] of [
      [this.#text, text],
      [this.#advice, advice],
    ] as const) {
      target.hidden = !content;
      setText(target, content ?? '');
    }
    // It stays after an answer: the next one may differ, when another speaker was chosen.
    if (state === 'waiting' || state === 'running') setText(this.#questionText, '');
    if (question !== undefined) setText(this.#questionText, question);
    this.#question.ariaLabel = this.#questionText.textContent;
    this.#question.hidden = this.#questionText.textContent === '';
  }
}

function answerButton(answer: 'yes' | 'no', onAnswer: (yes: boolean) => void): HTMLButtonElement {
  const button = element('button', { type: 'button', className: 'small' }, translateDiagnose(answer));
  button.addEventListener('click', () => onAnswer(answer === 'yes'));
  return button;
}
