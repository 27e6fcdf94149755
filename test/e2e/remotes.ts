// Remotes for sources of every kind: a Git server, a registry, an object store and a repository of charts, in each of which
// every source has its own contents.
import { setTimeout as delay } from 'node:timers/promises';
import {
  Bucket,
  type Condition,
  GitRepository,
  HelmChart,
  HelmRepository,
  type Kind,
  OCIRepository,
} from '@weir/api';
import { mapBounded } from '@weir/async';
import {
  type Front,
  type Intercept,
  S3_KEYS,
  S3_REGION,
  startChartRepository,
  startFront,
  startGitServer,
  startRegistry,
  startS3Server,
} from '@weir/cluster';
import type { KubeObject } from '@weir/kube';
import { pushArtifact, tarGz } from '@weir/oci/testing';

export const KINDS: readonly Kind[] = [
  GitRepository,
  OCIRepository,
  Bucket,
  HelmRepository,
  HelmChart,
];

export type Source = KubeObject & {
  status?: { artifact?: { revision: string; url: string }; conditions?: Condition[] };
};

export interface Remotes {
  /** Gives every remote new contents. @param version of the charts; it is in the other contents as well */
  publish(version: string): Promise<void>;
  /** A source of each kind for each name, and the Secret that they need. */
  sources(namespace: string): KubeObject[];
  /** How long each answer with contents takes from now on, in ms. */
  slowDown(ms: number): void;
  /** Requests for contents that are slowed down this moment. */
  inFlight(): number;
  /** How often the contents of each source were fetched since the last `clear`, by `kind/name`; to ask what is new is no fetch. */
  fetched(): Map<string, number>;
  clear(): void;
}

/** How often an object of a bucket repeats its line, to be one that isn't kept in memory. */
const LARGE = 5_000;
/** Names that are filled at a time. */
const AT_A_TIME = 8;

/** Starts the remotes, with this many sources of each kind. Disposing of `started` stops them. */
export async function startRemotes(started: AsyncDisposableStack, count: number): Promise<Remotes> {
  const own = <T extends { close(): Promise<void> }>(it: T) => started.adopt(it, (x) => x.close());
  const names = Array.from({ length: count }, (_, index) => `src-${index}`);
  const git = own(await startGitServer());
  const registry = own(await startRegistry());
  const images = own(await startFront(registry.url));
  const store = own(await startS3Server());
  const repository = own(await startChartRepository());
  const charts = own(await startFront(repository.url));
  const filled = await mapBounded(names, AT_A_TIME, async (name) => {
    return { name, repo: await git.createRepository(name), bucket: await store.createBucket(name) };
  });
  const slow = createDelay();
  const contents: [Front, RegExp][] = [
    [images, /\/blobs\//],
    [store.front, /\/a\.yaml/],
    [charts, /\.tgz$/],
  ];
  for (const [front, pattern] of contents) front.intercept(slow.whereMatches(pattern));

  return {
    publish: async (version) => {
      await mapBounded(filled, AT_A_TIME, async ({ name, repo, bucket }) => {
        const content = `value: ${name} ${version}\n`;
        await repo.commit({ 'a.yaml': content });
        await bucket.put({ 'a.yaml': content, 'large.bin': content.repeat(LARGE) });
        const layers = [{ content: tarGz([{ path: 'a.yaml', content }]) }];
        await pushArtifact(registry, name, { tag: 'latest', layers });
        const chart = `apiVersion: v2\nname: app\nversion: ${version}\ndescription: ${name}\n`;
        const archive = tarGz([{ path: 'app/Chart.yaml', content: chart }]);
        repository.put(`/${name}/app-${version}.tgz`, archive);
        const entry = `  - {name: app, version: ${version}, urls: [app-${version}.tgz]}\n`;
        repository.put(`/${name}/index.yaml`, `apiVersion: v1\nentries:\n  app:\n${entry}`);
      });
    },
    sources: (namespace) => {
      const metadata = { namespace, name: 's3' };
      const secret = { apiVersion: 'v1', kind: 'Secret', metadata, stringData: S3_KEYS };
      const specs = (name: string): Record<string, object> => ({
        GitRepository: { url: `${git.url}/${name}.git`, ref: { branch: 'main' } },
        OCIRepository: { url: `oci://${images.host}/${name}`, insecure: true },
        Bucket: {
          ...{ endpoint: store.endpoint, bucketName: name, insecure: true, region: S3_REGION },
          secretRef: { name: 's3' },
        },
        HelmRepository: { url: `${charts.url}/${name}` },
        HelmChart: { chart: 'app', sourceRef: { kind: 'HelmRepository', name } },
      });
      const of = (name: string) =>
        KINDS.map(({ apiVersion, kind }) => ({
          ...{ apiVersion, kind, metadata: { namespace, name } },
          spec: { interval: '1h', ...specs(name)[kind] },
        }));
      return [secret as KubeObject, ...names.flatMap(of)];
    },
    slowDown: (ms) => {
      slow.set(ms);
      for (const { repo } of filled) repo.setFault(ms > 0 ? { delayMs: ms / 2 } : undefined);
    },
    inFlight: slow.waiting,
    fetched: () => {
      const counts = new Map<string, number>();
      const add = (kind: Kind, name: string) => {
        const key = `${kind.kind}/${name}`;
        counts.set(key, (counts.get(key) ?? 0) + 1);
      };
      for (const { command, repository: name } of git.requests()) {
        if (command === 'fetch') add(GitRepository, name);
      }
      const each = (front: Front, pattern: RegExp, kind: Kind) => {
        for (const { method, path } of front.requests()) {
          const [, name] = pattern.exec(path) ?? [];
          if (method === 'GET' && name !== undefined) add(kind, name);
        }
      };
      each(images, /^\/v2\/([^/]+)\/blobs\//, OCIRepository);
      each(store.front, /^\/([^/?]+)\/a\.yaml/, Bucket);
      each(charts, /^\/([^/]+)\/app-.*\.tgz$/, HelmChart);
      return counts;
    },
    clear() {
      git.clearRequests();
      for (const [front] of contents) front.clear();
    },
  };
}

/** Delays answers. */
function createDelay() {
  let ms = 0;
  let waiting = 0;
  return {
    set(to: number) {
      ms = to;
    },
    waiting: () => waiting,
    whereMatches(pattern: RegExp): Intercept {
      return async ({ url = '' }) => {
        if (ms === 0 || !pattern.test(url)) return false;
        waiting += 1;
        await delay(ms);
        waiting -= 1;
        return false;
      };
    },
  };
}
