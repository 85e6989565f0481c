/** The report of the diagnosis, to be sent to whoever helps: figures only, nothing that tells who or where somebody is. */
import { checkNames, type Figures, type Results } from './Check.ts';
import type { Verdict } from './verdict.ts';

export interface ReportInput {
  readonly results: Results;
  readonly verdict: Pick<Verdict, 'kind' | 'title'> | undefined;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly userAgent: string;
}

export interface Report {
  readonly weirDiagnosis: 1;
  /** In UTC, to the minute. */
  readonly time: string;
  /** Family and major version. */
  readonly browser: string;
  readonly verdict: string | undefined;
  readonly checks: Readonly<Record<string, Figures>>;
}

export function reportOf({ results, verdict, time, userAgent }: ReportInput): Report {
  const checks = checkNames.flatMap((name) => {
    const result = results[name];
    return result ? [[name, { grade: result.grade, ...result.figures }] as const] : [];
  });
  return {
    weirDiagnosis: 1,
    time: `${new Date(time).toISOString().slice(0, 16)}Z`,
    browser: browserOf(userAgent),
    verdict: verdict?.kind,
    checks: Object.fromEntries(checks),
  };
}

/** The report as lines for people. */
export function reportText(report: Report, verdict: Pick<Verdict, 'title'> | undefined): string {
  const lines = Object.entries(report.checks).map(([name, { grade, ...figures }]) => {
    const list = Object.entries(figures).map(([key, value]) => `${key} ${value}`);
    return `${name}: ${[grade, ...list].join(', ')}`;
  });
  return [`Weir, ${report.time}, ${report.browser}`, verdict?.title ?? '', ...lines].filter(Boolean).join('\n');
}

/** Family and major version of a browser, such as `Chrome 156`: less than the user agent says. */
export function browserOf(userAgent: string): string {
  const families = [
    ['Edge', /\bEdg(?:e|A|iOS)?\/(\d+)/],
    ['Opera', /\bOPR\/(\d+)/],
    ['Samsung Internet', /\bSamsungBrowser\/(\d+)/],
    ['Firefox', /\b(?:Firefox|FxiOS)\/(\d+)/],
    ['Chrome', /\b(?:HeadlessChrome|Chrom(?:e|ium)|CriOS)\/(\d+)/],
    ['Safari', /\bVersion\/(\d+)[\d.]* (?:Mobile\/\w+ )?Safari\//],
  ] as const;
  for (const [family, pattern] of families) {
    const version = pattern.exec(userAgent)?.[1];
    if (version !== undefined) return `${family} ${version}`;
  }
  return 'another browser';
}
