/** The page that plays a room on somebody else's site, as it is copied there. */
import type { EncoderTexts } from './encoderTexts.ts';

/** @returns the whole document, with the address of this server in it; undefined where the server does not give it */
export async function playerPage({ player, whep }: Pick<EncoderTexts, 'player' | 'whep'>): Promise<string | undefined> {
  const response = await fetch(player);
  if (!response.ok) return undefined;
  return (await response.text()).replace(/data-whep="[^"]*"/, () => `data-whep="${whep}"`);
}
