// Reads from the configurations of images when they were built. The content of a digest never changes, so it is read
// once.
import { createBoundedMap, mapBounded } from '@weir/async';
import { type Descriptor, OciError, platformManifest, type Registry } from '@weir/oci';
import type { Image } from '../shared/images.ts';

export interface BuildTimes {
  /**
   * When the images of these tags were built, in ms since 1970, in the order of the tags; undefined for an image
   * without a time or that no longer exists.
   * @throws OciError
   */
  of(image: Image, tags: readonly string[], signal: AbortSignal): Promise<(number | undefined)[]>;
}

/** How long the digest of a tag is used, in ms, as a tag may be moved. */
const DIGEST_MS = 10 * 60_000;
const KEPT_TAGS = 20_000;
const KEPT_DIGESTS = 20_000;
const REQUESTS = 8;
/** Bytes of a configuration. */
const MAX_CONFIG = 1024 ** 2;
/** How deep indexes may contain indexes. */
const MAX_DEPTH = 4;

/** @param now the monotonic clock, in ms */
export function createBuildTimes(now = () => performance.now()): BuildTimes {
  const digests = createBoundedMap<string, { digest: string; askedAt: number }>({ max: KEPT_TAGS });
  const times = createBoundedMap<string, { builtAt: number | undefined }>({ max: KEPT_DIGESTS });

  async function digestOf(
    { registry, repository, accessKey }: Image,
    tag: string,
    signal: AbortSignal,
  ): Promise<string> {
    const key = `${accessKey}/${repository.name}:${tag}`;
    const known = digests.get(key);
    if (known !== undefined && now() - known.askedAt < DIGEST_MS) return known.digest;
    const askedAt = now();
    const digest = await registry.resolve(repository.name, tag, signal);
    digests.set(key, { digest, askedAt });
    return digest;
  }

  async function timeOf(image: Image, tag: string, signal: AbortSignal) {
    const { registry, repository } = image;
    try {
      const digest = await digestOf(image, tag, signal);
      const known = times.get(digest);
      if (known !== undefined) return known.builtAt;
      const builtAt = await readTime(registry, repository.name, digest, signal);
      times.set(digest, { builtAt });
      return builtAt;
    } catch (error) {
      // The tag was deleted since the tags were listed.
      if (error instanceof OciError && error.reason === 'NotFound') return undefined;
      throw error;
    }
  }

  return {
    of: (image, tags, signal) => mapBounded(tags, REQUESTS, (tag) => timeOf(image, tag, signal)),
  };
}

async function readTime(
  registry: Registry,
  name: string,
  digest: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  const config = await configOf(registry, name, digest, signal);
  if (config === undefined || config.size > MAX_CONFIG) return undefined;
  const chunks: Buffer[] = [];
  for await (const chunk of registry.blob(name, config, signal)) chunks.push(chunk);
  return createdOf(Buffer.concat(chunks));
}

/**
 * The configuration of an image. For an index it is that of its image for Linux on amd64, or else of its first image
 * for a known platform.
 */
async function configOf(
  registry: Registry,
  name: string,
  digest: string,
  signal: AbortSignal,
): Promise<Descriptor | undefined> {
  let wanted = digest;
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const { manifest } = await registry.manifest(name, wanted, signal);
    if (manifest.kind === 'image') return manifest.config;
    const { manifests } = manifest;
    // BuildKit stores attestations as images for an unknown platform.
    const child =
      platformManifest(manifest) ?? manifests.find(({ platform }) => platform?.os !== 'unknown');
    if (child === undefined) return undefined;
    wanted = child.digest;
  }
  return undefined;
}

/** `created` of an image configuration (OCI image spec, config.md). */
function createdOf(content: Buffer): number | undefined {
  try {
    const { created } = (JSON.parse(content.toString('utf8')) ?? {}) as { created?: unknown };
    const time = typeof created === 'string' ? Date.parse(created) : Number.NaN;
    return Number.isNaN(time) ? undefined : time;
  } catch {
    // An artifact may have any configuration.
    return undefined;
  }
}
