/** The order in which several ways of doing the same are measured in turn. */
import type { Random } from '../../support/random.ts';

/**
 * Rounds of all `ways`, each round in an order of its own. All orders come in random sequence, and each of them once before
 * any comes again: over that many rounds each way follows each other one equally often.
 */
export function roundsOf<T>(ways: readonly T[], count: number, random: Random): T[][] {
  const orders = permutationsOf(ways);
  const rounds: T[][] = [];
  while (rounds.length < count) rounds.push(...shuffled(orders, random));
  return rounds.slice(0, count);
}

function permutationsOf<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((first, index) => permutationsOf(items.toSpliced(index, 1)).map((rest) => [first, ...rest]));
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const left = [...items];
  return items.flatMap(() => left.splice(random.int(left.length), 1));
}
