/** The parts that `loadModeration` loads. */
export { moderationText, roomAccessText, waitingText } from './moderationTexts.ts';
export { personItems } from './personItems.ts';
export { roomItems } from './roomItems.ts';
export { WaitingList } from './WaitingList.ts';
