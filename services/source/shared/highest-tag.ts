// Finds the highest version among the tags of a repository while the tags arrive.
import { RenderError, type RenderPool } from '@weir/render';

export interface RangeOptions {
  /** `spec.ref.semver`. */
  range: string;
  /** `spec.ref.semverFilter`. */
  filter: string | undefined;
  mediaType: string | undefined;
  /**
   * Only tags of this form (with `+` in the place of `_`) count as versions; all that Masterminds' library accepts
   * unless given.
   */
  form?: RegExp;
  /** Flux's message when no tag is in the range; a list of tags follows it. */
  noMatch?: string;
  /** Flux's message for an invalid range; the reason follows it. */
  invalid?: string;
  pool: RenderPool;
  tenant: string;
  signal: AbortSignal;
}

/** A chart's version may have a `+`, which no tag may: Helm writes `_` for it. */
export const CHART_LAYER = 'application/vnd.cncf.helm.chart.content.v1.tar+gzip';
/** Tags that the engine matches in one request. */
const MATCHED_AT_A_TIME = 100;
const ALL_VERSIONS = '>=0.0.0-0';
/** Versions that a message lists. */
const NAMED = 5;

/**
 * The tag of the highest version in a range, by Masterminds' rules. Tags that are no versions are ignored.
 * @param pages the tags, which are read page by page and not kept
 * @throws Error that says why there is none; RenderError
 */
export async function highestTag(
  pages: AsyncIterable<string[]>,
  { range, filter, mediaType, form, pool, tenant, signal, ...words }: RangeOptions,
): Promise<string> {
  const isChart = mediaType === CHART_LAYER;
  const toVersion = (tag: string) => (isChart ? tag.replaceAll('_', '+') : tag);
  const toTag = (version: string) => (isChart ? version.replaceAll('+', '_') : version);
  const { noMatch = `no match found for semver: ${range}` } = words;
  const { invalid = `semver '${range}' parse error: ` } = words;
  const options = { tenant, signal, invalid };
  let best: string[] = [];
  let others: string[] = [];

  for await (const tags of pages) {
    const wanted = filter ? await matching(tags, filter, pool, options) : tags;
    const versions = wanted.map(toVersion).filter((it) => form?.test(it) ?? true);
    best = (await inRange(range, [...best, ...versions], pool, options)).slice(0, 1);
    if (best.length > 0) continue;
    const { sorted } = await pool.semver(
      { range: ALL_VERSIONS, versions: [...others, ...versions] },
      options,
    );
    others = sorted.slice(0, NAMED);
  }
  if (best[0] !== undefined) return toTag(best[0]);
  const there =
    others.length === 0 ? 'no tag is a version' : `the highest versions are ${others.join(', ')}`;
  throw new Error(`${noMatch} (${there})`);
}

async function inRange(
  range: string,
  versions: string[],
  pool: RenderPool,
  { invalid, ...options }: { tenant: string; signal: AbortSignal; invalid: string },
): Promise<string[]> {
  try {
    return (await pool.semver({ range, versions }, options)).sorted;
  } catch (cause) {
    if (!(cause instanceof RenderError) || cause.reason !== 'InvalidSemVer') throw cause;
    throw new Error(`${invalid}${cause.message.replace(/^.*?: /, '')}`, { cause });
  }
}

async function matching(
  tags: string[],
  pattern: string,
  pool: RenderPool,
  options: { tenant: string; signal: AbortSignal },
): Promise<string[]> {
  const found: string[] = [];
  for (let at = 0; at < Math.max(tags.length, 1); at += MATCHED_AT_A_TIME) {
    const texts = tags.slice(at, at + MATCHED_AT_A_TIME);
    const { matches, invalid } = await pool.match({ patterns: [pattern], texts }, options);
    if (invalid[0] !== undefined) throw new Error(invalid[0].reason);
    found.push(...texts.filter((_, index) => (matches[index]?.length ?? 0) > 0));
  }
  return found;
}
