// The engine's operations on the tags of an image. Tags are passed as one text, separated by spaces: a million strings
// would take several times the memory, and no tag contains a space.
import { RenderError } from './error.ts';
import { type RequestOptions, timeoutError } from './job.ts';
import type { Send } from './send.ts';

/** `spec.policy`, `spec.filterTags` and `spec.exclude` of an ImagePolicy, and the tags to choose from. */
export interface LatestTagRequest {
  policy: {
    semver?: { range: string } | undefined;
    alphabetical?: { order?: string | undefined } | undefined;
    numerical?: { order?: string | undefined } | undefined;
  };
  filter?: TagFilter | undefined;
  exclude?: readonly string[] | undefined;
  /** Separated by spaces, sorted by their bytes in descending order. */
  tags: string;
}

export interface TagFilter {
  pattern: string;
  extract: string;
}

export interface LatestTag {
  /** Undefined when no tag matches. */
  tag: string | undefined;
  /** Whether the filter left any tags to choose from. */
  hasCandidates: boolean;
}

/** Every call rejects with a RenderError. `timeoutMs` is for the whole call, a minute unless given. */
export interface TagOperations {
  /**
   * The tags that are matched by none of up to 100 regular expressions. `InvalidPattern` for an expression that can't
   * be used, `Timeout` for tags that take too long to match.
   */
  excludeTags(
    request: { patterns: readonly string[]; tags: string },
    options: RequestOptions,
  ): Promise<string>;
  /** Chooses as Flux's image-reflector-controller does. `InvalidPolicy`, or `Failure` for tags that the policy can't compare. */
  latestTag(request: LatestTagRequest, options: RequestOptions): Promise<LatestTag>;
  /** The tags that match the filter and are not excluded, in their order. */
  filteredTags(
    request: Pick<LatestTagRequest, 'filter' | 'exclude' | 'tags'>,
    options: RequestOptions,
  ): Promise<string>;
}

interface LatestAnswer {
  best?: { tag: string; value: string };
  hasCandidates: boolean;
  tags?: string;
}

/** Characters of a portion: about ten thousand tags, which take about 20 ms. */
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
      let hasCandidates = false;
      const bodyOf = (portion: string) => ({ ...request, tags: portion, best });
      for await (const answer of inPortions<LatestAnswer>('tags.latest', tags, bodyOf, options)) {
        best = answer.best;
        hasCandidates ||= answer.hasCandidates;
      }
      return { tag: best?.tag, hasCandidates };
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

/** The longest that one portion may take, in ms: the engine itself stops matching after two seconds. */
const PORTION_MS = 10_000;

/** Whether a request ended because the time for the whole call was over. */
function isOverAll(error: unknown, leftMs: number): boolean {
  return error instanceof RenderError && error.reason === 'Timeout' && leftMs <= PORTION_MS;
}

/** Yields at least one portion, because the request also checks the policy. */
function* portionsOf(tags: string): Generator<string> {
  let at = 0;
  do {
    const space = tags.indexOf(' ', at + PORTION);
    const end = space < 0 ? tags.length : space;
    yield tags.slice(at, end);
    at = end + 1;
  } while (at < tags.length);
}
