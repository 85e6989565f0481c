/** Starts the Weir of a trial as a process of its own, with limits raised that a trial would otherwise hit first. */
import { WeirProcess } from '../../support/servers/WeirProcess.ts';

const raised = { WEIR_MESSAGES_PER_SECOND: '1000', WEIR_LOG_LEVEL: 'warn' };

/**
 * @param command what starts it; default `node server/main.ts`
 * @returns Weir once it runs
 * @throws {Error} with its output, when it ends instead
 */
export async function startWeir(
  settings: Readonly<Record<string, string>> = {},
  command?: readonly string[],
): Promise<WeirProcess> {
  const weir = new WeirProcess({ ...raised, ...settings }, command, command && []);
  try {
    await weir.running();
    return weir;
  } catch (error) {
    await weir.end();
    throw error;
  }
}
