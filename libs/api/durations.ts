// Durations in the notation of Go's time package, which Flux's fields and messages use.

const UNITS_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3, // U+00B5, micro sign
  μs: 1e-3, // U+03BC, Greek letter mu
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const TERM = /([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)/y;
/** The longest duration of Go's time.Duration, about 292 years: 2^63 - 1 nanoseconds, in ms. */
const LONGEST_MS = 9_223_372_036_854;
/** Go counts whole nanoseconds: a millisecond has six digits below it. */
const NANOSECOND_DIGITS = 6;

export class DurationError extends Error {
  readonly reason = 'InvalidDuration';
  constructor(value: string) {
    super(`"${value}" is not a duration: write numbers with units (ms, s, m, h), such as "1h30m"`);
    this.name = 'DurationError';
  }
}

/**
 * Parses a duration such as `1h30m`, `1.5s`, `-2m` or `0` (time.ParseDuration) into milliseconds. A duration that is
 * too long for Go becomes Go's longest: the pattern of Flux's fields allows it, and an error for one object could stop
 * the list of the whole kind (CVE-2022-39272).
 * @throws DurationError for any other text
 */
export function parseDuration(value: string): number {
  const sign = value.startsWith('-') ? -1 : 1;
  const terms = value.replace(/^[-+]/, '');
  if (terms === '0') return 0;
  let total = 0;
  let position = 0;
  while (position < terms.length || terms === '') {
    TERM.lastIndex = position;
    const match = TERM.exec(terms);
    const unit = UNITS_MS[match?.[2] ?? ''];
    if (!match || unit === undefined) throw new DurationError(value);
    total += Number((Number(match[1]) * unit).toFixed(NANOSECOND_DIGITS));
    position = TERM.lastIndex;
  }
  return sign * Math.min(total, LONGEST_MS);
}

/** Formats milliseconds as Go does (Duration.String): `0s`, `1.5ms`, `1.234s`, `1m0s`, `2h0m0.5s`. */
export function formatDuration(ms: number): string {
  const size = Number(Math.abs(ms).toFixed(NANOSECOND_DIGITS));
  if (size === 0) return '0s';
  const sign = ms < 0 ? '-' : '';
  if (size < 1e-3) return `${sign}${digits(size * 1e6)}ns`;
  if (size < 1) return `${sign}${digits(size * 1e3)}µs`;
  if (size < 1e3) return `${sign}${digits(size)}ms`;
  return sign + formatSeconds(size);
}

function formatSeconds(ms: number): string {
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor(ms / 60_000) % 60;
  const seconds = digits((ms % 60_000) / 1000);
  if (hours > 0) return `${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`;
}

/** Formats with up to nine decimals (nanoseconds), without trailing zeros. */
function digits(value: number): string {
  return String(Number(value.toFixed(9)));
}
