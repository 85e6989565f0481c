/** The page for an HTTP error of the server, in the language of the user. */
import { isPageProblem, type PageProblem } from '../../../shared/pageProblems.ts';
import { translate } from '../locales/index.ts';
import { element } from './dom.ts';
import { messageCard, startPageLink } from './messageCard.ts';

/** The problem that the server has put into the document; undefined where the request succeeded. */
export function pageProblemOf(app: Element): PageProblem | undefined {
  const name = app.getAttribute('data-problem') ?? '';
  return isPageProblem(name) ? name : undefined;
}

export function pageProblemView(problem: PageProblem): HTMLElement {
  const title = translate(`${problem}Title`);
  document.title = `${title} · Weir`;
  return messageCard(title, element('p', {}, translate(`${problem}Text`)), startPageLink());
}
