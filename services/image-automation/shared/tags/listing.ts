// One listing of an image's tags, page by page. Tags are excluded while the pages arrive.
import { DEFAULT_EXCLUSION_LIST } from '@weir/api';
import type { FairLimit, Limit } from '@weir/async';
import { OciError, type PageValidator, type Registry } from '@weir/oci';
import type { RenderPool } from '@weir/render';
import { type PackedTags, packTags } from './packed.ts';
import { sortTags } from './sort.ts';

/** Expressions that exclude tags, with the namespace for which they are evaluated. */
export interface Exclusion {
  /** `spec.exclusionList`. */
  patterns: readonly string[];
  /** The namespace of the object that used it first. */
  tenant: string;
  /** The result of the listing before, which is returned again if nothing changed. */
  known?: PackedTags | undefined;
}

/** The result of a listing for one exclusion: the tags, or the reason why there are none. */
export type Found = { tags: PackedTags } | { error: unknown };

export interface Listing {
  /** In the order of the exclusions. */
  found: Found[];
  /** The pages with their ETags; undefined where the registry gives none. */
  validators: PageValidator[] | undefined;
}

export interface ListingOptions {
  registry: Registry;
  /** Name of the repository in the registry. */
  name: string;
  exclusions: readonly Exclusion[];
  pool: RenderPool;
  limits: ListLimits;
  /** Slots for lists that take much memory while they arrive. */
  large: FairLimit;
  /** A slot for sorting such a list, which takes twice its memory. */
  sorting: Limit;
  tenant: string;
  /** Ends the listing. */
  signal: AbortSignal;
}

export interface ListLimits {
  /** Tags of one image. */
  maxTags: number;
  /** Characters of all tags of one image. */
  maxLength: number;
}

/** A list with more characters than this waits for one of a few slots before it continues. */
const LARGE_LENGTH = 1024 ** 2;
/** The time limit for applying one exclusion to a list, in ms. */
const EXCLUSION_MS = 30_000;
const DEFAULT = JSON.stringify(DEFAULT_EXCLUSION_LIST);

/** @throws OciError */
export async function listTags(options: ListingOptions): Promise<Listing> {
  const { registry, name, limits, large, sorting, tenant, signal } = options;
  const collectors = options.exclusions.map((exclusion) => createCollector(exclusion, options));
  const validators: (PageValidator | undefined)[] = [];
  const pages = registry.tags(name, signal, {
    maxTags: limits.maxTags,
    onPage: (page) => void validators.push(page),
  });
  let length = 0;

  /** Reads pages until there are no more, or the text is too long; resolves with true for the latter. */
  async function takeUntil(most: number): Promise<boolean> {
    for (;;) {
      const { value: page, done } = await pages.next();
      if (done) return false;
      const text = page.join(' ');
      length += text.length + 1;
      if (length > limits.maxLength) {
        const message = `the tags of ${name} have more than ${limits.maxLength} characters (--image-max-tag-bytes)`;
        throw new OciError('TooLarge', message);
      }
      for (const collector of collectors) await collector.add(text);
      if (length > most) return true;
    }
  }

  async function finish(): Promise<Listing> {
    const found: Found[] = [];
    for (const collector of collectors) found.push(await collector.finish());
    const known = validators.filter((page) => page !== undefined);
    return { found, validators: known.length === validators.length ? known : undefined };
  }

  try {
    if (!(await takeUntil(LARGE_LENGTH))) return await finish();
    const rest = async () => {
      await takeUntil(Number.POSITIVE_INFINITY);
      return sorting(finish);
    };
    return await large.run(tenant, rest, signal);
  } finally {
    await pages.return(undefined);
  }
}

interface Collector {
  add(page: string): Promise<void>;
  finish(): Promise<Found>;
}

function createCollector(
  { patterns, tenant, known }: Exclusion,
  { pool, signal }: Pick<ListingOptions, 'pool' | 'signal'>,
): Collector {
  const pages: string[] = [];
  let failure: { error: unknown } | undefined;
  let leftMs = EXCLUSION_MS;

  async function withoutExcluded(page: string): Promise<string> {
    if (patterns.length === 0) return page;
    // Nearly all objects have the default, which is applied without the engine.
    if (JSON.stringify(patterns) === DEFAULT) return withoutSignatures(page);
    const begun = performance.now();
    const request = { patterns, tags: page };
    const kept = await pool.excludeTags(request, { tenant, signal, timeoutMs: leftMs });
    leftMs = Math.max(1, leftMs - (performance.now() - begun));
    return kept;
  }

  return {
    async add(page) {
      if (failure !== undefined) return;
      try {
        pages.push(await withoutExcluded(page));
      } catch (error) {
        if (signal.aborted) throw error;
        failure = { error };
        pages.length = 0;
      }
    },
    async finish() {
      if (failure !== undefined) return failure;
      return { tags: await packTags(await sortTags(pages), known) };
    },
  };
}

function withoutSignatures(page: string): string {
  if (!page.includes('.sig')) return page;
  return page
    .split(' ')
    .filter((tag) => !tag.endsWith('.sig'))
    .join(' ');
}
