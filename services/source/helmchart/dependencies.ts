// Fetches dependencies of a chart that are charts of other repositories.
import { HelmRepository, Reason } from '@weir/api';
import { mapBounded } from '@weir/async';
import { normalizeUrl } from '@weir/helm';
import type { Identities } from '@weir/identity';
import type { KubeClient } from '@weir/kube';
import { messageOf } from '@weir/reconcile';
import type { ChartDependency, FetchedDependency } from '@weir/render';
import { type Repository, readAccess, readRegistryAccess } from '../shared/charts/access.ts';
import { isAborted } from '../shared/charts/failures.ts';
import { buildFailure } from './build.ts';
import {
  discardFiles,
  httpRemote,
  type Remote,
  type RemoteOptions,
  registryRemote,
} from './remote.ts';

/**
 * Fetches dependencies as files, which the caller removes.
 * @throws Failure DependencyBuildError
 */
export type FetchDependencies = (
  missing: readonly ChartDependency[],
) => Promise<FetchedDependency[]>;

/** Dependencies of one chart that are fetched at a time. */
const AT_A_TIME = 4;

/**
 * A HelmRepository of the same namespace with the same URL gives the credentials; without one the dependency is fetched
 * without credentials.
 * @param namespace of the chart
 */
export function dependenciesWith(
  reader: { client: KubeClient; identities: Identities },
  namespace: string,
  options: RemoteOptions,
): FetchDependencies {
  const { client } = reader;
  const { charts, signal } = options;

  async function remoteOf(url: string): Promise<Remote> {
    const { items } = await client.list<HelmRepository>(HelmRepository, { namespace, signal });
    const found = items.find((it) => isAt(it, url));
    const repository: HelmRepository | Repository = found ?? {
      metadata: { namespace, name: '' },
      spec: { url, provider: 'generic' },
    };
    if (url.startsWith('oci://')) {
      return registryRemote(await readRegistryAccess(reader, repository, signal), options);
    }
    const access = await readAccess(client, repository, signal);
    const digest = found?.status?.artifact?.digest;
    const lookup = () =>
      digest === undefined
        ? charts.indexes.peek(access)
        : charts.indexes.lookup(digest, access.tenant);
    return httpRemote(access, lookup, options);
  }

  async function fetchOne(wanted: ChartDependency): Promise<FetchedDependency> {
    const { key, name, version: range, repository } = wanted;
    const remote = await remoteOf(dependencyUrl(repository));
    const choice = await remote.choose(name, range, '').catch((cause: unknown) => {
      if (isAborted(cause)) throw cause;
      const what = `failed to get chart '${name}' version '${range}' from '${repository}'`;
      throw new Error(`${what}: ${messageOf(cause)}`, { cause });
    });
    const { version } = choice;
    const { file } = await remote.fetch(name, choice).catch((cause: unknown) => {
      if (isAborted(cause)) throw cause;
      throw new Error(`chart download of version '${version}' failed: ${messageOf(cause)}`, {
        cause,
      });
    });
    return { key, file, version };
  }

  return async (missing) => {
    const fetched: FetchedDependency[] = [];
    try {
      await mapBounded(missing, AT_A_TIME, async (wanted) => {
        try {
          fetched.push(await fetchOne(wanted));
        } catch (cause) {
          if (isAborted(cause)) throw cause;
          const message = `failed to add remote dependency '${wanted.key}': ${messageOf(cause)}`;
          throw buildFailure(Reason.DependencyBuildError, message, cause);
        }
      });
      return fetched;
    } catch (error) {
      await discardFiles(fetched.map(({ file }) => file));
      throw error;
    }
  };
}

function isAt({ spec }: HelmRepository, url: string): boolean {
  try {
    return normalizeUrl(spec.url) === url;
  } catch {
    // A repository whose URL is invalid reports that itself.
    return false;
  }
}

/** @throws Error for what is no URL of a repository; HelmError */
function dependencyUrl(repository: string): string {
  const shown = repository.slice(0, 300);
  if (repository.startsWith('@')) {
    throw new Error(`aliased repository dependency is not supported: ${shown}`);
  }
  if (!/^(https?|oci):\/\//.test(repository)) {
    throw new Error(`invalid dependency repository URL: ${shown}`);
  }
  return normalizeUrl(repository);
}
