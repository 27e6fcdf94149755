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
const NS_PER_MS = 1e6;

export class DurationError extends Error {
  readonly reason = 'InvalidDuration';
  constructor(value: string) {
    super(`"${value}" is not a duration: write numbers with units (ms, s, m, h), such as "1h30m"`);
    this.name = 'DurationError';
  }
}

/**
 * The milliseconds of a duration such as `1h30m`, `1.5s`, `-2m` or `0` (time.ParseDuration).
 * Throws DurationError for anything else.
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
    total += Number(match[1]) * unit;
    position = TERM.lastIndex;
  }
  return sign * total;
}

/** A number of milliseconds as Go prints it (Duration.String): `0s`, `1.5ms`, `1.234s`, `1m0s`, `2h0m0.5s`. */
export function formatDuration(ms: number): string {
  const nanoseconds = Math.round(Math.abs(ms) * NS_PER_MS);
  const sign = ms < 0 && nanoseconds > 0 ? '-' : '';
  if (nanoseconds === 0) return '0s';
  if (nanoseconds < 1e3) return `${sign}${nanoseconds}ns`;
  if (nanoseconds < 1e6) return `${sign}${nanoseconds / 1e3}µs`;
  if (nanoseconds < 1e9) return `${sign}${nanoseconds / 1e6}ms`;
  return sign + formatSeconds(nanoseconds);
}

function formatSeconds(nanoseconds: number): string {
  const hours = Math.floor(nanoseconds / 3.6e12);
  const minutes = Math.floor(nanoseconds / 6e10) % 60;
  const seconds = (nanoseconds % 6e10) / 1e9;
  if (hours > 0) return `${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`;
}
