/** Formats the findings of a benchmark for the terminal. */
import type { Benchmark, Findings } from './Benchmark.ts';
import { figureGoalOf, figureValueOf, goalOf, intervalOf, ratioText, short } from './format.ts';
import type { Ratio } from './pairs.ts';

/** The full report; ends with a line break. @param worker origin of the media worker */
export function reportOf(
  { title, a, b }: Pick<Benchmark, 'title' | 'a' | 'b'>,
  { ratios, figures = [], srtp }: Findings,
  worker: string,
): string {
  const lines = [
    title,
    `  A: ${a}; B: ${b}`,
    ...ratios.flatMap((ratio) => [`  ${ratio.name}`, `    ${ratioLine(ratio)}`]),
    ...figures.map((figure) => {
      const goal = figureGoalOf(figure);
      return `  ${figure.name}: ${[figureValueOf(figure), figure.unit].filter(Boolean).join(' ')}${goal && ` (${goal})`}`;
    }),
    `  ${[srtp, `worker ${worker}`].filter(Boolean).join('; ')}`,
  ];
  return `${lines.join('\n')}\n`;
}

function ratioLine(ratio: Ratio): string {
  return [
    `A/B ${ratioText(ratio.ratio)} (${intervalOf(ratio)}), ${ratio.better} is better`,
    `A ${short(ratio.a)}, B ${short(ratio.b)} ${ratio.unit}`,
    `${ratio.pairs} pairs`,
    goalOf(ratio),
  ]
    .filter(Boolean)
    .join('; ');
}
