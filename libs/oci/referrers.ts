import { algorithmOf } from './digest.ts';
import { OciError } from './errors.ts';
import {
  type Descriptor,
  MAX_MANIFEST_BYTES,
  type Manifest,
  MediaType,
  parseManifest,
} from './manifest.ts';
import { readPages } from './pages.ts';
import { pullScope } from './scope.ts';
import type { Session } from './session.ts';

/** Reads a manifest by tag. */
type ReadManifest = (
  name: string,
  tag: string,
  signal: AbortSignal,
) => Promise<{ manifest: Manifest }>;

export interface ReferrersRequest {
  name: string;
  digest: string;
  signal: AbortSignal;
  artifactType?: string | undefined;
}

/** Manifests that refer to one, at most. */
const MAX_REFERRERS = 1_000;
const MAX_PAGES = 100;

/**
 * What refers to a manifest (distribution spec 1.1, "Listing Referrers"), and where the registry has no list of that, what
 * clients keep under the tag `<algorithm>-<hex>` ("Referrers Tag Schema").
 */
export async function listReferrers(
  session: Session,
  manifest: ReadManifest,
  { name, digest, signal, artifactType }: ReferrersRequest,
): Promise<Descriptor[]> {
  const algorithm = algorithmOf(digest);
  const query = artifactType === undefined ? '' : `?${new URLSearchParams({ artifactType })}`;
  const request = {
    ...{ method: 'GET' as const, scope: pullScope(name), accept: MediaType.index, signal },
    path: `${name}/referrers/${digest}${query}`,
  };
  const found: Descriptor[] = [];
  try {
    const limits = { maxPageBytes: MAX_MANIFEST_BYTES, maxPages: MAX_PAGES };
    for await (const { content } of readPages(session, request, limits)) {
      found.push(...manifestsOf(content));
      if (found.length > MAX_REFERRERS) throw tooMany(digest);
    }
  } catch (error) {
    if (!isMissing(error)) throw error;
    const tag = `${algorithm}-${digest.slice(algorithm.length + 1)}`;
    found.push(...(await taggedReferrers(manifest, name, tag, signal)));
    if (found.length > MAX_REFERRERS) throw tooMany(digest);
  }
  // A registry needn't filter, and the tag holds all.
  return found.filter((it) => artifactType === undefined || it.artifactType === artifactType);
}

function manifestsOf(content: Record<string, unknown>): Descriptor[] {
  const index = { ...content, schemaVersion: 2, mediaType: MediaType.index };
  const parsed = parseManifest(Buffer.from(JSON.stringify(index)));
  return parsed.kind === 'index' ? parsed.manifests : [];
}

async function taggedReferrers(
  manifest: ReadManifest,
  name: string,
  tag: string,
  signal: AbortSignal,
): Promise<Descriptor[]> {
  try {
    const { manifest: index } = await manifest(name, tag, signal);
    return index.kind === 'index' ? index.manifests : [];
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof OciError && error.reason === 'NotFound';
}

function tooMany(digest: string): OciError {
  return new OciError('TooLarge', `more than ${MAX_REFERRERS} manifests refer to ${digest}`);
}
