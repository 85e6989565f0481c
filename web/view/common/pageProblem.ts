/** What the server says instead of a page, in the language of its reader. */
import { isPageProblem, type PageProblem } from '../../../shared/pageProblems.ts';
import { translate } from '../locales/index.ts';
import { element } from './dom.ts';
import { messageCard, startPageLink } from './endedView.ts';

/** The problem that the server has put into the document; undefined where it serves what was asked for. */
export function pageProblemOf(app: Element): PageProblem | undefined {
  const name = app.getAttribute('data-problem') ?? '';
  return isPageProblem(name) ? name : undefined;
}

export function pageProblemView(problem: PageProblem): HTMLElement {
  const title = translate(`${problem}Title`);
  document.title = `${title} · Weir`;
  return messageCard(title, element('p', {}, translate(`${problem}Text`)), startPageLink());
}
