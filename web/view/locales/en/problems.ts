/** The English messages of HTTP errors. */
import { type PageProblem, pageProblems } from '../../../../shared/pageProblems.ts';

export type PageProblemMessages = Readonly<Record<`${PageProblem}Title` | `${PageProblem}Text`, string>>;

export const pageProblemMessages: PageProblemMessages = {
  notFoundTitle: pageProblems.notFound.title,
  notFoundText: pageProblems.notFound.detail,
  noRoomTitle: pageProblems.noRoom.title,
  noRoomText: pageProblems.noRoom.detail,
  badAddressTitle: pageProblems.badAddress.title,
  badAddressText: pageProblems.badAddress.detail,
  notAllowedTitle: pageProblems.notAllowed.title,
  notAllowedText: pageProblems.notAllowed.detail,
  upgradeRequiredTitle: pageProblems.upgradeRequired.title,
  upgradeRequiredText: pageProblems.upgradeRequired.detail,
  badRequestTitle: pageProblems.badRequest.title,
  badRequestText: pageProblems.badRequest.detail,
  headersTooLargeTitle: pageProblems.headersTooLarge.title,
  headersTooLargeText: pageProblems.headersTooLarge.detail,
  internalTitle: pageProblems.internal.title,
  internalText: pageProblems.internal.detail,
};
