// Divides large requests into portions. An engine for quick operations has little memory, and other tenants have their
// turn between two portions of one tenant.
import { RenderError } from './error.ts';
import type { HealthCheckExpression, IgnoreRequest } from './requests.ts';

/** The approximate size of a portion, in characters of JSON. An item that alone is larger is a portion of its own. */
const PORTION = 1024 ** 2;

/** The lines and characters that the ignore rules of one source may have, because each path is tried on each rule. */
const MAX_RULES = 10_000;
const MAX_RULES_LENGTH = 1024 ** 2;

/** The number of paths times the number of rules in a portion. Trying that many takes about a tenth of a second. */
const RULES_TRIED = 1_000_000;
const MAX_PATHS = 10_000;

/**
 * Requests for the health of objects, as JSON. There is at least one request, even without objects, so that the checks
 * are compiled.
 */
export function* statusBodies(
  objects: readonly object[],
  checks: readonly HealthCheckExpression[] | undefined,
): Generator<string> {
  const rest = checks === undefined ? '' : `,"checks":${JSON.stringify(checks)}`;
  const body = (texts: string[]) => `{"objects":[${texts.join(',')}]${rest}}`;
  let texts: string[] = [];
  let length = 0;
  for (const object of objects) {
    const text = JSON.stringify(object);
    if (length > 0 && length + text.length > PORTION) {
      yield body(texts);
      texts = [];
      length = 0;
    }
    texts.push(text);
    length += text.length;
  }
  if (texts.length > 0 || objects.length === 0) yield body(texts);
}

/**
 * Requests for the files that are packed, as JSON; none if there are no files. Throws a RenderError for too many rules.
 */
export function* ignoreBodies({
  rules,
  ignoreFiles,
  paths,
  noDefaults,
}: IgnoreRequest): Generator<string> {
  const sources = [...ignoreFiles.map(({ content }) => content), rules ?? ''];
  const count = sources.reduce((sum, text) => sum + text.split('\n').length, 0);
  const length = sources.reduce((sum, text) => sum + text.length, 0);
  if (count > MAX_RULES || length > MAX_RULES_LENGTH) {
    const message = `too many ignore rules: ${count} lines of ${length} characters, at most ${MAX_RULES} of ${MAX_RULES_LENGTH} are allowed`;
    throw new RenderError('InvalidRequest', message);
  }
  const most = Math.min(MAX_PATHS, Math.ceil(RULES_TRIED / count));
  for (let at = 0; at < paths.length; ) {
    const begin = at;
    let taken = 0;
    while (at < paths.length && at - begin < most && taken < PORTION) {
      taken += paths[at]?.length ?? 0;
      at += 1;
    }
    yield JSON.stringify({ rules, ignoreFiles, noDefaults, paths: paths.slice(begin, at) });
  }
}
