// Charts of repositories and registries: which versions exist, and their packages.
import { rm } from 'node:fs/promises';
import { chartUrl } from '@weir/helm';
import { type Descriptor, OciError, type Registry, type Repository } from '@weir/oci';
import { messageOf } from '@weir/reconcile';
import type { RenderPool } from '@weir/render';
import type { Access, RegistryAccess } from '../shared/charts/access.ts';
import type { Charts } from '../shared/charts/open.ts';
import { type Downloaded, download } from '../shared/download.ts';
import { CHART_LAYER, highestTag } from '../shared/highest-tag.ts';

/** Bytes of a packed chart, as in Flux. */
const MAX_CHART_BYTES = 10 * 1024 ** 2;

/** A chart repository or registry that charts are chosen from. */
export interface Remote {
  /**
   * The version that a range selects now, and its URL.
   * @throws RenderError, HelmError, OciError, Error
   */
  choose(name: string, range: string, metadata: string): Promise<Choice>;
  /**
   * Fetches its package into a new file.
   * @throws HelmError, OciError, Error
   */
  fetch(name: string, choice: Choice): Promise<Downloaded>;
  /**
   * Resolves with whether its signature was verified, where one is required; `fetch` then fetches what was verified.
   * @throws Error
   */
  verify?(name: string, choice: Choice): Promise<boolean>;
}

export interface Choice {
  version: string;
  /** The version, with build metadata. */
  target: string;
  /** The URL of the package in the index; for a registry the reference. */
  url: string | undefined;
}

export interface RemoteOptions {
  charts: Charts;
  pool: RenderPool;
  /** Folder for the package. */
  dir: string;
  signal: AbortSignal;
}

/** @param lookup path of the file in which charts of the index are looked up */
export function httpRemote(
  access: Access,
  lookup: () => Promise<string>,
  { charts, pool, dir, signal }: RemoteOptions,
): Remote {
  return {
    async choose(name, range, metadata) {
      const request = { lookup: await lookup(), name, range, metadata };
      const { tenant } = access;
      const { version, target, urls } = await pool.chartVersion(request, { tenant, signal });
      return { version, target, url: urls?.[0] };
    },
    async fetch(name, { url }) {
      if (url === undefined) throw new Error(`chart '${name}' has no downloadable URLs`);
      const answer = await charts.clients.get(access, chartUrl(access.url, url), {
        maxBytes: MAX_CHART_BYTES,
        tooLarge: `size of chart '${name}' exceeds '${MAX_CHART_BYTES}' bytes limit`,
      });
      if (answer === undefined) throw new Error(`chart '${name}' was not sent`);
      return download(answer.content, dir);
    },
    // Only registries have signatures. Without this method a chart that must be signed would be accepted unsigned.
    async verify() {
      throw new Error('not implemented');
    },
  };
}

/** A version for which the Go and Helm clients don't list the tags. */
const VERSION = /^v?\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/;

/**
 * The form that Helm's client requires of tags: versions of the specification (semver.org, 2.0.0), and nothing else.
 */
const STRICT = (() => {
  const number = '(?:0|[1-9]\\d*)';
  const identifier = `(?:${number}|\\d*[a-zA-Z-][0-9a-zA-Z-]*)`;
  const [core, prerelease] = [
    `${number}\\.${number}\\.${number}`,
    `${identifier}(?:\\.${identifier})*`,
  ];
  return new RegExp(`^${core}(?:-${prerelease})?(?:\\+[0-9a-zA-Z-]+(?:\\.[0-9a-zA-Z-]+)*)?$`);
})();

/**
 * Verifies a manifest of a registry; false where the policy requires no signature.
 * @throws Error that says why it can't be verified
 */
export type VerifyChart = (manifest: {
  registry: Registry;
  repository: Repository;
  digest: string;
  /** `oci://host/path:version`, for messages. */
  reference: string;
  /** Ends the search for signatures. */
  signal: AbortSignal;
}) => Promise<boolean>;

export function registryRemote(
  access: RegistryAccess,
  { charts, pool, dir, signal }: RemoteOptions,
  verify?: VerifyChart,
): Remote {
  const { url, tenant } = access;
  /** The digests that were verified, by reference. */
  const verified = new Map<string, string>();
  const options = { tenant, signal };
  const repositoryOf = (name: string) => {
    const path = url.replace(/^oci:\/\/[^/]*\/?/, '');
    return path === '' ? name : `${path}/${name}`;
  };

  async function versionOf(name: string, range: string): Promise<string> {
    if (VERSION.test(range)) return range;
    const registry = charts.clients.registry(access);
    const pages = registry.tags(repositoryOf(name), charts.clients.deadline(access));
    const noMatch = `could not locate a version matching provided version string ${range}`;
    const tag = await highestTag(pages, {
      ...{ range: range === '' ? '*' : range, filter: undefined, mediaType: CHART_LAYER },
      ...{ form: STRICT, noMatch, invalid: '', pool, ...options },
    });
    return tag.replaceAll('_', '+');
  }

  return {
    async choose(name, range, metadata) {
      const version = await versionOf(name, range);
      const request = { name, range: version, metadata };
      const { target } = await pool.chartVersion(request, options);
      return { version, target, url: `${url}/${name}:${version}` };
    },
    async fetch(name, { version, url: reference = '' }) {
      const registry = charts.clients.registry(access);
      const repository = repositoryOf(name);
      const tag = version.replaceAll('+', '_');
      const signal = charts.clients.deadline(access);
      try {
        const { manifest } = await registry.manifest(
          repository,
          verified.get(reference) ?? tag,
          signal,
        );
        const layer = manifest.kind === 'image' ? chartLayer(manifest.layers) : undefined;
        if (layer === undefined) {
          const message = `manifest does not contain a layer with mediatype ${CHART_LAYER}`;
          throw new OciError('InvalidResponse', message);
        }
        if (layer.size > MAX_CHART_BYTES) {
          const message = `size of chart '${name}' exceeds '${MAX_CHART_BYTES}' bytes limit`;
          throw new OciError('TooLarge', message);
        }
        return await download(registry.blob(repository, layer, signal), dir);
      } catch (cause) {
        throw asHelm(cause, reference);
      }
    },
    async verify(name, { version, url: reference = '' }) {
      if (verify === undefined) return false;
      const registry = charts.clients.registry(access);
      const repository = repositoryOf(name);
      const tag = version.replaceAll('+', '_');
      const signal = charts.clients.deadline(access);
      const digest = await registry.resolve(repository, tag, signal);
      const own = { registry: access.registry.registry, name: repository };
      const isSigned = await verify({ registry, repository: own, digest, reference, signal });
      verified.set(reference, digest);
      return isSigned;
    },
  };
}

/** A registry's error with the message of Helm's client for what doesn't exist. */
function asHelm(cause: unknown, reference: string): unknown {
  if (!(cause instanceof OciError)) return cause;
  const { reason, status, retryAfterMs } = cause;
  const name = reference.replace(/^oci:\/\//, '');
  const why =
    reason === 'NotFound'
      ? `failed to perform "FetchReference" on source: ${name}: not found`
      : messageOf(cause);
  const message = `failed to get '${reference}': ${why}`;
  return new OciError(reason, message, { cause, status, retryAfterMs });
}

/** Helm's media type, and the one that it had before. */
const LAYERS = [CHART_LAYER, 'application/tar+gzip'];

function chartLayer(layers: readonly Descriptor[]): Descriptor | undefined {
  return layers.find(({ mediaType }) => LAYERS.includes(mediaType));
}

/** Removes files that nobody needs any more. */
export async function discardFiles(files: readonly (string | undefined)[]): Promise<void> {
  await Promise.all(
    files.map((file) => (file === undefined ? undefined : rm(file, { force: true }))),
  );
}
