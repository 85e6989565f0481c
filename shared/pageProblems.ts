/** The error pages of the server, in English. The page translates them. */

export const pageProblems = {
  notFound: {
    status: 404,
    title: 'There is no page here',
    detail: 'Check the address for a mistake, or go to the start page and name a room.',
  },
  noRoom: {
    status: 404,
    title: 'This is not the address of a room',
    detail: 'The name of a room has 1 to 256 characters, and no slashes. Go to the start page and name the room there.',
  },
  badAddress: {
    status: 400,
    title: 'This address is broken',
    detail: 'A part of it is missing or was changed. Copy the whole link again, or go to the start page.',
  },
  notAllowed: {
    status: 405,
    title: 'This page can only be read',
    detail: 'Nothing can be sent to this address. Go to the start page instead.',
  },
  upgradeRequired: {
    status: 426,
    title: 'This address is for WebSocket connections',
    detail: 'The page uses it during a call. Go to the start page instead.',
  },
  badRequest: {
    status: 400,
    title: 'The server did not understand the browser',
    detail:
      'Load the page again. If that does not help, something between this browser and the server alters requests.',
  },
  headersTooLarge: {
    status: 431,
    title: 'The browser sent too much',
    detail: 'Usually these are cookies of other pages on this host. Delete its cookies, then load the page again.',
  },
  internal: {
    status: 500,
    title: 'Something failed on the server',
    detail: 'Its log has the cause. Load the page again in a moment.',
  },
} as const;

export type PageProblem = keyof typeof pageProblems;

/** The text of the link to the start page. */
export const TO_START = 'Start page';

export function isPageProblem(name: string): name is PageProblem {
  return Object.hasOwn(pageProblems, name);
}
