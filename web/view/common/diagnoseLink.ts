/** The link to the page that tests the connection. */
import { translate } from '../locales/index.ts';
import { diagnosePath } from './address.ts';
import { type Child, element } from './dom.ts';

/** It opens a tab of its own, so that nobody loses a call or what they have typed. Nothing where the server has no such page. */
export function diagnoseLink(): Child {
  if (document.querySelector('#app[data-diagnose="off"]')) return undefined;
  const properties = { href: diagnosePath, className: 'secondary diagnose-link', target: '_blank', rel: 'noopener' };
  return element('a', properties, translate('testConnection'));
}
