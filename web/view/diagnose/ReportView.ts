/** The report on the page, and the buttons that copy it. */
import { Copy } from 'lucide';
import { announce, element, icon } from '../common/dom.ts';
import { type DiagnoseKey, translateDiagnose } from '../locales/diagnose.ts';
import { type Report, reportText } from './report.ts';
import type { Verdict } from './verdict.ts';

export class ReportView {
  readonly root: HTMLElement;
  readonly #text = element('pre', { tabIndex: 0, ariaLabel: translateDiagnose('report') });
  readonly #status = element('p', { className: 'secondary', role: 'status' });
  #json = '';

  constructor() {
    this.root = element(
      'section',
      { className: 'report', hidden: true },
      element('h2', {}, translateDiagnose('report')),
      element('p', { className: 'secondary' }, translateDiagnose('reportAbout')),
      this.#text,
      element(
        'div',
        { className: 'report-actions' },
        this.#button('copyText', () => this.#text.textContent),
        this.#button('copyJson', () => this.#json),
      ),
      this.#status,
    );
  }

  show(report: Report, verdict: Verdict): void {
    this.root.hidden = false;
    this.#text.textContent = reportText(report, verdict);
    this.#json = JSON.stringify(report, undefined, 2);
  }

  hide(): void {
    this.root.hidden = true;
    this.#status.textContent = '';
  }

  #button(label: DiagnoseKey, content: () => string): HTMLButtonElement {
    const button = element('button', { type: 'button' }, icon(Copy, 16), translateDiagnose(label));
    button.addEventListener('click', () => {
      copy(content()).then(
        () => this.#report('reportCopied'),
        () => this.#report('reportNotCopied'),
      );
    });
    return button;
  }

  #report(key: DiagnoseKey): void {
    this.#status.textContent = translateDiagnose(key);
    announce(translateDiagnose(key));
  }
}

/** @throws {Error} where the browser does not permit it, as on pages without HTTPS */
async function copy(text: string): Promise<void> {
  if (!('clipboard' in navigator)) throw new Error('There is no clipboard.');
  await navigator.clipboard.writeText(text);
}
