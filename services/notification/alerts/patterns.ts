import { createHash } from 'node:crypto';
import { createBoundedMap, createSingleFlight } from '@weir/async';
import { RenderError, type RenderPool } from '@weir/render';

/** Which patterns of a list there are for a message. */
export interface ListMatch {
  /** Whether one of the list matches somewhere in the message. */
  found: boolean;
  /** Patterns that can't be used and so match nothing, each with the reason. */
  invalid: string[];
}

/** Looks for the patterns (Go's RE2) of an alert in a message; `tenant` is the namespace of the alert. */
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

/** What the engine takes with one request, and what of a message is looked at. */
const MAX_PATTERNS = 100;
const MAX_TEXT_BYTES = 65_536;
/** Results that are kept: many alerts have the same list, and each is asked again with each retry. */
const MAX_RESULTS = 10_000;
/** Of the patterns that can't be used, so many are named, with so many characters each. */
const MAX_NAMED = 5;
const MAX_NAME = 100;

/** Matches in the render engine, in linear time and with a time limit, off this process' only thread. */
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
    // Asked in the name of each tenant: one whose line is long keeps nobody else waiting.
    return flight(`${tenant} ${key}`, async () => {
      const result = await match(list, message, tenant);
      results.set(key, result);
      return result;
    });
  };
}

/** What Go says of a pattern quotes it, so both are cut. */
function describe(pattern: string, reason: string): string {
  return `'${pattern.slice(0, MAX_NAME)}' (${reason.slice(0, 2 * MAX_NAME)})`;
}

function firstBytes(text: string, max: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= max) return text;
  // As a part of a stream, so that a character cut in half is left out.
  return new TextDecoder().decode(bytes.subarray(0, max), { stream: true });
}
