/** Who may send files: whoever may send data and is not hidden, as viewers of a broadcast are. Nobody could answer them. */
import type { CallController } from '../controller/CallController.ts';

export function maySendFiles({ client: { grants } }: Pick<CallController, 'client'>): boolean {
  return grants?.canPublishData === true && !grants.hidden;
}
