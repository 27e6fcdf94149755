// What the engine does with the tags of an image. Tags are one text with a space between two of them: a million strings
// would take several times the memory, and no tag has a space.
import { RenderError } from './error.ts';
import { type RequestOptions, timeoutError } from './job.ts';
import type { Send } from './send.ts';

/** `spec.policy`, `spec.filterTags` and `spec.exclude` of an ImagePolicy, and the tags that it is about. */
export interface LatestTagRequest {
  policy: {
    semver?: { range: string } | undefined;
    alphabetical?: { order?: string | undefined } | undefined;
    numerical?: { order?: string | undefined } | undefined;
  };
  filter?: TagFilter | undefined;
  exclude?: readonly string[] | undefined;
  /** Sorted by their bytes, descending. */
  tags: string;
}

export interface TagFilter {
  pattern: string;
  extract: string;
}

export interface LatestTag {
  /** Undefined where no tag fits. */
  tag: string | undefined;
  /** Whether the filter left any tag to look at. */
  looked: boolean;
}

/** Every call rejects with a RenderError; `timeoutMs` is for all of it, a minute unless given. */
export interface TagOperations {
  /**
   * The tags that none of up to 100 regular expressions matches anywhere. One that can't be used is `InvalidPattern`, tags
   * that take too long to match are `Timeout`.
   */
  excludeTags(
    request: { patterns: readonly string[]; tags: string },
    options: RequestOptions,
  ): Promise<string>;
  /** Chooses as Flux's image-reflector-controller does. `InvalidPolicy`, or `Failure` for tags that the policy can't compare. */
  latestTag(request: LatestTagRequest, options: RequestOptions): Promise<LatestTag>;
  /** The tags that the filter lets through and that are not excluded, in their order. */
  filteredTags(
    request: Pick<LatestTagRequest, 'filter' | 'exclude' | 'tags'>,
    options: RequestOptions,
  ): Promise<string>;
}

interface LatestAnswer {
  best?: { tag: string; value: string };
  looked: boolean;
  tags?: string;
}

/** Characters of a portion: about ten thousand tags, which take some 20 ms. */
const PORTION = 256 * 1024;
const TIME_MS = 60_000;

/** The typed operations over the engine's protocol. */
export function tagOperations(send: Send): TagOperations {
  async function* inPortions<Answer>(
    op: string,
    tags: string,
    bodyOf: (tags: string) => object,
    { timeoutMs = TIME_MS, ...options }: RequestOptions,
  ): AsyncGenerator<Answer> {
    const end = performance.now() + timeoutMs;
    for (const portion of portionsOf(tags)) {
      const leftMs = Math.ceil(end - performance.now());
      if (leftMs <= 0) throw timeoutError({ timeoutMs });
      const body = JSON.stringify(bodyOf(portion));
      const limits = { ...options, timeoutMs: Math.min(leftMs, PORTION_MS) };
      yield (await send(op, body, limits).catch((error: unknown) => {
        throw isOverAll(error, leftMs) ? timeoutError({ timeoutMs }) : error;
      })) as Answer;
    }
  }

  return {
    async excludeTags({ patterns, tags }, options) {
      const kept: string[] = [];
      const bodyOf = (portion: string) => ({ patterns, tags: portion });
      const answers = inPortions<{ tags: string }>('tags.exclude', tags, bodyOf, options);
      for await (const answer of answers) if (answer.tags !== '') kept.push(answer.tags);
      return kept.join(' ');
    },
    async latestTag({ tags, ...request }, options) {
      let best: LatestAnswer['best'];
      let looked = false;
      const bodyOf = (portion: string) => ({ ...request, tags: portion, best });
      for await (const answer of inPortions<LatestAnswer>('tags.latest', tags, bodyOf, options)) {
        best = answer.best;
        looked ||= answer.looked;
      }
      return { tag: best?.tag, looked };
    },
    async filteredTags({ tags, ...request }, options) {
      const kept: string[] = [];
      const bodyOf = (portion: string) => ({ ...request, policy: { list: true }, tags: portion });
      for await (const answer of inPortions<LatestAnswer>('tags.latest', tags, bodyOf, options)) {
        if (answer.tags) kept.push(answer.tags);
      }
      return kept.join(' ');
    },
  };
}

/** The longest that one portion may take, in ms: the engine itself ends the matching of one after two seconds. */
const PORTION_MS = 10_000;

/** Whether a request ended because the time for all of them was over. */
function isOverAll(error: unknown, leftMs: number): boolean {
  return error instanceof RenderError && error.reason === 'Timeout' && leftMs <= PORTION_MS;
}

/** One portion at least, as that is how a policy is checked. */
function* portionsOf(tags: string): Generator<string> {
  let at = 0;
  do {
    const space = tags.indexOf(' ', at + PORTION);
    const end = space < 0 ? tags.length : space;
    yield tags.slice(at, end);
    at = end + 1;
  } while (at < tags.length);
}
