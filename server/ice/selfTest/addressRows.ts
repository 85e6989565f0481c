/** What is known of the announced addresses without a connection, as rows of the self-test. */
import type { SelfTestReason, SelfTestRow } from '../../../shared/selfTest.ts';
import { type AddressFacts, type AddressFinding, checkAddresses } from '../checkAddresses.ts';

const states = { ok: 'ok', warning: 'warning', error: 'failed' } as const satisfies Record<
  AddressFinding['level'],
  string
>;

/** Findings that are as they should be have no reason. */
const reasons: Readonly<Record<AddressFinding['code'], SelfTestReason | undefined>> = {
  ownAddress: undefined,
  behindNat: undefined,
  stunAgrees: undefined,
  privateAddress: 'privateAddress',
  bridgeAddress: 'bridgeAddress',
  foreignAddress: 'foreignAddress',
  wrongInterface: 'wrongInterface',
  unresolved: 'unresolved',
  stunDiffers: 'stunDiffers',
  stunFailed: 'noAnswer',
};

/** One row for each finding of `checkAddresses`. */
export function addressRows(facts: AddressFacts): SelfTestRow[] {
  return checkAddresses(facts).map(({ code, level, target, message, fix }) => ({
    check: 'address',
    target,
    state: states[level],
    reason: reasons[code],
    message,
    remedy: fix,
  }));
}
