/** The page `/diagnose`: tests camera, sound and connection, and says whether calls will work here. */
import { CircleAlert, CircleCheck, CircleX, type IconNode } from 'lucide';
import { settingsButton } from '../common/buttons.ts';
import { element, icon } from '../common/dom.ts';
import { startPageLink } from '../common/messageCard.ts';
import { type DiagnoseKey, translateDiagnose } from '../locales/diagnose.ts';
import { type CheckName, checkNames } from './Check.ts';
import { CheckRow } from './CheckRow.ts';
import { DiagnosisRun } from './DiagnosisRun.ts';
import { diagnosisLanes } from './diagnosisLanes.ts';
import { isPublicHost } from './publicHost.ts';
import { ReportView } from './ReportView.ts';
import { reportOf } from './report.ts';
import { type Verdict, verdictOf } from './verdict.ts';
import './diagnose.css';

const groups: readonly (readonly [DiagnoseKey, readonly CheckName[]])[] = [
  ['groupDevices', ['camera', 'microphone', 'speaker']],
  ['groupServer', ['browser', 'signalling', 'clock']],
  ['groupPaths', ['udp', 'tcp', 'turnUdp', 'turnTcp', 'turnTls']],
  ['groupThroughput', ['throughput']],
];
const verdictIcons: Readonly<Record<Verdict['grade'], IconNode>> = {
  good: CircleCheck,
  fair: CircleAlert,
  bad: CircleX,
};

/** Shows the page. */
export function diagnosePage(app: Element): void {
  document.title = `${translateDiagnose('title')} · Weir`;
  const verdictView = element('div', { className: 'verdict', role: 'status', hidden: true });
  const report = new ReportView();
  const button = element('button', { type: 'button', className: 'primary' }, translateDiagnose('start'));
  const progress = element('p', { className: 'secondary', role: 'status' });
  let run: DiagnosisRun | undefined;
  let running = false;
  let discard = new AbortController();

  const rows = rowsOf((name, yes) => run?.answer(name, yes));
  const renderResult = ({ results }: DiagnosisRun) => {
    const verdict = verdictOf(results, isPublicHost(location.hostname));
    verdictView.hidden = false;
    verdictView.dataset.grade = verdict.grade;
    verdictView.dataset.verdict = verdict.kind;
    verdictView.replaceChildren(
      icon(verdictIcons[verdict.grade], 28),
      element(
        'div',
        {},
        element('h2', {}, verdict.title),
        element('p', {}, verdict.text),
        ...verdict.notes.map((note) => element('p', {}, note)),
      ),
    );
    report.show(reportOf({ results, verdict, time: Date.now(), userAgent: navigator.userAgent }), verdict);
  };
  const renderRunning = (isRunning: boolean) => {
    running = isRunning;
    button.classList.toggle('primary', !isRunning);
    button.textContent = translateDiagnose(isRunning ? 'stop' : 'again');
    root.setAttribute('aria-busy', String(isRunning));
  };

  const start = async () => {
    discard.abort();
    discard = new AbortController();
    const { signal: discarded } = discard;
    for (const row of Object.values(rows)) row.show('waiting');
    verdictView.hidden = true;
    report.hide();
    const current: DiagnosisRun = new DiagnosisRun({
      lanes: (results, closed) => diagnosisLanes({ rows, results, closed, discarded }),
      onStarted: (name) => rows[name].show('running'),
      onResult: (name, result) => {
        rows[name].showResult(result);
        if (!running) renderResult(current);
      },
    });
    run = current;
    progress.textContent = translateDiagnose('running');
    renderRunning(true);
    const isComplete = await current.run();
    renderRunning(false);
    progress.textContent = isComplete ? '' : translateDiagnose('stopped');
    if (isComplete) renderResult(current);
    else for (const [name, row] of entriesOf(rows)) if (!current.results[name]) row.show('waiting');
  };
  button.addEventListener('click', () => {
    if (running) run?.stop();
    else void start();
  });
  addEventListener('pagehide', () => run?.stop());

  const root = element(
    'div',
    { className: 'card diagnose' },
    element(
      'header',
      {},
      element('h1', {}, translateDiagnose('title')),
      element('p', {}, translateDiagnose('about')),
      element('p', { className: 'secondary' }, translateDiagnose('privacy')),
      element('div', { className: 'diagnose-start' }, button, progress),
    ),
    verdictView,
    ...groups.map(([title, names]) =>
      element(
        'section',
        { className: 'check-group' },
        element('h2', {}, translateDiagnose(title)),
        element('ul', {}, ...names.map((name) => rows[name].root)),
      ),
    ),
    report.root,
    startPageLink(),
    ...settingsButton(),
  );
  app.replaceChildren(element('div', { className: 'centered' }, root));
}

function rowsOf(onAnswer: (name: CheckName, yes: boolean) => void): Record<CheckName, CheckRow> {
  const row = (name: CheckName) => new CheckRow(name, (yes) => onAnswer(name, yes));
  const [camera, microphone, speaker] = [row('camera'), row('microphone'), row('speaker')];
  const [browser, signalling, clock] = [row('browser'), row('signalling'), row('clock')];
  const [udp, tcp, throughput] = [row('udp'), row('tcp'), row('throughput')];
  const [turnUdp, turnTcp, turnTls] = [row('turnUdp'), row('turnTcp'), row('turnTls')];
  return { camera, microphone, speaker, browser, signalling, clock, udp, tcp, turnUdp, turnTcp, turnTls, throughput };
}

function entriesOf(rows: Readonly<Record<CheckName, CheckRow>>): [CheckName, CheckRow][] {
  return checkNames.map((name) => [name, rows[name]]);
}
