import { createHash } from 'node:crypto';
import { createBoundedMap, createSingleFlight } from '@weir/async';
import { RenderError, type RenderPool } from '@weir/render';

/** Which patterns of a list match a message. */
export interface ListMatch {
  /** Whether one of the list matches somewhere in the message. */
  found: boolean;
  /** Patterns that can't be used and so match nothing, each with the reason. */
  invalid: string[];
}

/** Matches the patterns (Go's RE2) of an alert with a message; `tenant` is the namespace of the alert. */
export type MatchList = (
  list: readonly string[],
  message: string,
  tenant: string,
) => Promise<ListMatch>;

/** The patterns could not be tried on a message in time. */
export class PatternsTooSlow extends Error {
  override readonly name = 'PatternsTooSlow';
  readonly reason = 'InvalidConfig';
}

/** The limits of one request to the engine: patterns, and bytes of a message that are matched. */
const MAX_PATTERNS = 100;
const MAX_TEXT_BYTES = 65_536;
/** Results that are kept: many alerts have the same list, and each retry needs the same result. */
const MAX_RESULTS = 10_000;
/** So many of the patterns that can't be used are named, with so many characters each. */
const MAX_NAMED = 5;
const MAX_NAME = 100;

/** Matches in the render engine, in linear time and with a time limit, and not on this process' only thread. */
export function patternMatcher(pool: Pick<RenderPool, 'match'>): MatchList {
  const results = createBoundedMap<string, ListMatch>({ max: MAX_RESULTS });
  const flight = createSingleFlight<ListMatch>();

  async function match(list: readonly string[], message: string, tenant: string) {
    if (list.length > MAX_PATTERNS) {
      const why = `${list.length} patterns in one list, at most ${MAX_PATTERNS} are looked at`;
      return { found: false, invalid: [why] };
    }
    try {
      const texts = [firstBytes(message, MAX_TEXT_BYTES)];
      const { matches, invalid } = await pool.match({ patterns: list, texts }, { tenant });
      const named = invalid.slice(0, MAX_NAMED);
      return {
        found: (matches[0]?.length ?? 0) > 0,
        invalid: named.map(({ index, reason }) => describe(list[index] ?? '', reason)),
      };
    } catch (error) {
      if (!(error instanceof RenderError) || error.reason !== 'Timeout') throw error;
      throw new PatternsTooSlow('its inclusionList and exclusionList take too long: simplify them');
    }
  }

  return async (list, message, tenant) => {
    const key = createHash('sha256')
      .update(JSON.stringify([list, message]))
      .digest('base64');
    const known = results.get(key);
    if (known !== undefined) return known;
    // Requested for each tenant separately: a tenant with many requests delays no other.
    return flight(`${tenant} ${key}`, async () => {
      const result = await match(list, message, tenant);
      results.set(key, result);
      return result;
    });
  };
}

/** Go's message quotes the pattern, so both are cut. */
function describe(pattern: string, reason: string): string {
  return `'${pattern.slice(0, MAX_NAME)}' (${reason.slice(0, 2 * MAX_NAME)})`;
}

function firstBytes(text: string, max: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= max) return text;
  // Decoded as part of a stream, so that a character that was cut in half is left out.
  return new TextDecoder().decode(bytes.subarray(0, max), { stream: true });
}
