// Chooses the latest tag for an ImagePolicy: in the engine, by the rules of Flux.
import { type ImagePolicy, Reason } from '@weir/api';
import type { FairLimit } from '@weir/async';
import { Failure } from '@weir/reconcile';
import { RenderError, type RenderPool, type TagFilter } from '@weir/render';
import { type PackedTags, unpackTags } from '../shared/tags/packed.ts';
import { noTags } from './tags.ts';

export interface ChooseOptions {
  pool: RenderPool;
  /** Slots for lists that take much memory. */
  large: FairLimit;
  /**
   * The tag whose image was built last, of the tags that match, which are sorted by their bytes in descending order.
   */
  newestOf(tags: readonly string[]): Promise<string>;
  signal: AbortSignal;
}

/** A list with more characters than this waits for a slot. */
const LARGE_LENGTH = 1024 ** 2;

/** @throws Failure InvalidPolicy (stalled), DependencyNotReady, Failure */
export async function chooseLatest(
  policy: ImagePolicy,
  tags: PackedTags,
  options: ChooseOptions,
): Promise<string> {
  const { namespace: tenant = '' } = policy.metadata;
  const choose = async () => latestOf(policy, await unpackTags(tags), options);
  if (tags.length <= LARGE_LENGTH) return choose();
  return options.large.run(tenant, choose, options.signal);
}

async function latestOf(
  { metadata, spec }: ImagePolicy,
  tags: string,
  { pool, newestOf, signal }: ChooseOptions,
): Promise<string> {
  const { namespace: tenant = '' } = metadata;
  const { semver, alphabetical, numerical, newest } = spec.policy;
  const request = { filter: filterOf(spec), exclude: spec.exclude, tags };
  const isOrdered = [semver, alphabetical, numerical].some((it) => it !== undefined);
  try {
    if (newest !== undefined && !isOrdered) {
      const filtered = await pool.filteredTags(request, { tenant, signal });
      if (tags === '') throw noTags(false);
      if (filtered === '') throw failure(EMPTY);
      return await newestOf(filtered.split(' '));
    }
    const policy = { semver, alphabetical, numerical };
    const { tag, hasCandidates } = await pool.latestTag({ ...request, policy }, { tenant, signal });
    // As in Flux, a policy that can't be used is reported first.
    if (tags === '') throw noTags(false);
    if (tag !== undefined) return tag;
    throw failure(hasCandidates ? NONE : EMPTY);
  } catch (cause) {
    if (!(cause instanceof RenderError) || signal.aborted) throw cause;
    const isPolicy = cause.reason === 'InvalidPolicy';
    const reason = isPolicy ? Reason.InvalidPolicy : Reason.Failure;
    throw new Failure(reason, cause.message, { stalled: isPolicy, cause });
  }
}

const EMPTY = 'version list argument cannot be empty';
const NONE = 'unable to determine latest version from provided list';

function failure(message: string): Failure {
  return new Failure(Reason.Failure, message);
}

function filterOf({ filterTags }: ImagePolicy['spec']): TagFilter | undefined {
  if (filterTags === undefined) return undefined;
  const { pattern = '', extract = '' } = filterTags;
  return { pattern, extract };
}
