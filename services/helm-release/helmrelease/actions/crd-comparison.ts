// Before a CRD is replaced it is compared with what is stored of its kind: a schema that doesn't fit the stored objects makes
// them unusable, and no release brings them back.
import { type PlacedObject, servedKinds } from '@weir/apply';
import { collectionPath, isForbidden, type KubeObject, type ResourceType } from '@weir/kube';
import type { CrdProblem } from '@weir/render';
import { GROUP } from '../names.ts';
import { readObject } from './objects/existing.ts';
import type { ReadingRun } from './render.ts';

/** With this annotation a HelmRelease applies its CRDs whatever they break. */
const UNCHECKED = { key: `${GROUP}/crdComparison`, value: 'disabled' };

/** Objects of a kind that are compared at most, and of one question. */
const MAX_OBJECTS = 10_000;
const PAGE = 500;
/** What a message names at most. */
const NAMED = 5;

/** Rejects with what would break, for the first CRD that would break something. */
export async function requireCompatibleCrds(
  run: ReadingRun,
  definitions: readonly PlacedObject[],
): Promise<void> {
  if (run.ctx.object.metadata.annotations?.[UNCHECKED.key] === UNCHECKED.value) return;
  for (const placed of definitions) {
    const { cluster, signal } = run.ctx;
    const live = await readObject(cluster.client, placed, { metadataOnly: false, signal });
    if (live === undefined || hasSameVersions(live, placed.object)) continue;
    const problems = await compare(run, live, placed.object);
    for (const { message } of problems.filter(({ blocks }) => !blocks)) run.ctx.line(message);
    const blocking = problems.filter(({ blocks }) => blocks);
    if (blocking.length > 0) throw new Error(refusal(placed.object, blocking));
  }
}

function refusal({ metadata }: KubeObject, problems: readonly CrdProblem[]): string {
  const named = problems.slice(0, NAMED).map(({ message }) => message);
  const more = problems.length > NAMED ? [`and ${problems.length - NAMED} more`] : [];
  return (
    `CustomResourceDefinition ${metadata.name} would break what is stored: ${[...named, ...more].join('; ')}. ` +
    `Migrate the objects first, or set the annotation ${UNCHECKED.key}: ${UNCHECKED.value} on the HelmRelease`
  );
}

/** The problems of the definition itself, and of the stored objects until one is found that blocks. */
async function compare(run: ReadingRun, live: KubeObject, next: KubeObject): Promise<CrdProblem[]> {
  const { pool } = run.ctx;
  const problems: CrdProblem[] = [];
  for await (const objects of storedObjects(run, live)) {
    const found = await pool.compareCrds({ live, next, objects }, run.engine);
    const known = new Set(problems.map(({ message }) => message));
    problems.push(...found.problems.filter(({ message }) => !known.has(message)));
    if (problems.some(({ blocks }) => blocks)) break;
  }
  return problems;
}

interface Page {
  metadata?: { continue?: string };
  items?: KubeObject[] | null;
}

/**
 * The stored objects of the kind in pages, at least one page, as the account may read them: an account that may not has
 * only the definitions compared.
 */
async function* storedObjects({ ctx }: ReadingRun, live: KubeObject): AsyncGenerator<KubeObject[]> {
  const type = servedType(live);
  if (type === undefined) return yield [];
  let token: string | undefined;
  let count = 0;
  do {
    const page: Page = await ctx.cluster.client
      .request<Page>({
        method: 'GET',
        path: collectionPath(type),
        query: { limit: PAGE, continue: token },
        signal: ctx.signal,
      })
      .catch((error: unknown) => {
        if (!isForbidden(error)) throw error;
        ctx.line(`stored objects were not compared with the new CRD: ${error}`);
        return {};
      });
    const items = page.items ?? [];
    yield items;
    count += items.length;
    token = page.metadata?.continue || undefined;
  } while (token !== undefined && count < MAX_OBJECTS);
  if (token !== undefined) ctx.line(`only ${count} stored objects were compared with the new CRD`);
}

/** The kind in one of the versions that are served; all have the same objects. */
function servedType(crd: KubeObject): ResourceType | undefined {
  const [served] = servedKinds(crd);
  const { scope, names } = crd.spec as { scope?: string; names?: { plural?: string } };
  if (served === undefined || names?.plural === undefined) return undefined;
  return { ...served, plural: names.plural, namespaced: scope === 'Namespaced' };
}

/** Whether the new definition says the same of its versions: then there is nothing to compare. */
function hasSameVersions(live: KubeObject, next: KubeObject): boolean {
  const versionsOf = ({ spec }: KubeObject) => (spec as { versions?: unknown }).versions;
  return JSON.stringify(sorted(versionsOf(live))) === JSON.stringify(sorted(versionsOf(next)));
}

/** The value with the keys of its maps in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, part]) => [key, sorted(part)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
