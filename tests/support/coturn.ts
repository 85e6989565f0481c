/** Whether tests with coturn run. */
import { turnserver } from '../../scripts/support/servers/coturn.ts';
import { hasEquipment } from './equipment.ts';

/** Whether coturn is there; otherwise the test launcher has printed why not. */
export const hasCoturn = hasEquipment('coturn', turnserver);
