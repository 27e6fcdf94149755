import { join } from 'node:path';
import { GitRepository } from '@weir/api';
import { createStore, serveArtifacts } from '@weir/artifact';
import { createInformer, joinMembership, runController } from '@weir/controller';
import { createRecorder } from '@weir/events';
import { defaultTreeLimits } from '@weir/git';
import { objectKey } from '@weir/kube';
import { createPool } from '@weir/render';
import {
  fluxNamespaces,
  leaseTimes,
  openStorage,
  type Service,
  watchFluxLeaders,
  yieldToFlux,
} from '@weir/service';
import { reachableAt } from './gitrepository/artifacts.ts';
import { ownershipKey } from './gitrepository/credentials.ts';
import { createFetcher } from './gitrepository/fetch.ts';
import { collectRegularly } from './gitrepository/garbage.ts';
import { createPublisher } from './gitrepository/publish.ts';
import { reconcile } from './gitrepository/reconcile.ts';
import { createRepositoryCache } from './gitrepository/repositories.ts';
import { restoreArtifact } from './gitrepository/restore.ts';
import { hasFailed } from './gitrepository/status.ts';

const minute = 60_000;

/** Fetches what GitRepositories name and offers it as artifacts. */
export const service: Service = {
  name: 'source',

  async start(context) {
    const { client, bus, namespace, instance, log, metrics, tracing, settings } = context;
    const stopping = new AbortController();
    const signal = AbortSignal.any([context.signal, stopping.signal]);
    const storage = await openStorage(settings, { service: 'source', instance });

    const store = createStore({
      bus,
      dir: join(storage.dir, 'artifacts'),
      maxCacheBytes: settings.number('artifact-cache-bytes', 1024 ** 3, { min: 0 }),
      replicas: settings.number('nats-replicas', 1, { min: 1, max: 5 }),
      storage: settings.choice('nats-storage', ['file', 'memory'], 'file'),
      log,
    });
    const repositories = await createRepositoryCache(join(storage.dir, 'git'), { log, signal });
    const pool = await createPool({ size: 1, idleMs: 10 * minute, log });
    const limits = {
      maxFiles: settings.number('artifact-max-files', defaultTreeLimits.maxFiles, { min: 1 }),
      maxBytes: settings.number('artifact-max-bytes', defaultTreeLimits.maxBytes, { min: 1 }),
    };
    const concurrency = settings.number('concurrent', 16, { min: 1 });
    const fetcher = createFetcher({
      repositories,
      artifacts: store,
      pool,
      limits,
      perHost: concurrency,
      tracing,
      signal,
    });

    // Before anything that goes on by itself: the port may be taken.
    const server = await serveArtifacts(store, {
      port: settings.port('artifact-port', 9790),
      onMissing: (path) => restore(path),
      log,
    });
    const informer = createInformer<GitRepository>(client, GitRepository, { log, signal });
    const component = 'source-controller';
    const leaders = watchFluxLeaders({
      client,
      controllers: [component],
      namespaces: fluxNamespaces(settings, namespace),
      log,
    });
    const joined = await joinMembership({
      client,
      namespace,
      service: 'source',
      instance,
      ...leaseTimes(settings),
      log,
    });
    const membership = yieldToFlux(joined, leaders);
    const recorder = createRecorder({ bus, client, component, instance, log, tracing });
    const publisher = createPublisher({ bus, recorder, tracing, log });
    const address = reachableAt(settings.get('artifact-address') ?? 'localhost', server.port);
    const deps = { client, informer, fetcher, store, publisher, recorder, address };
    const controller = runController<GitRepository>({
      name: 'gitrepository',
      kind: GitRepository,
      informer,
      membership,
      ownershipKey,
      concurrency,
      reconcile: (object, run) => reconcile(object, run, deps),
      retry: { minMs: 750, maxMs: 15 * minute },
      log,
      metrics,
      tracing,
    });

    async function restore(path: string): Promise<void> {
      const object = informer.list().find(({ status }) => status?.artifact?.path === path);
      if (object) await restoreArtifact(object, { client, fetcher, signal });
    }

    const forget = bus.onRecreated(() => publisher.forget());
    const catchUp = bus.onReconnect(() => {
      for (const object of informer.list()) {
        if (publisher.isPublished(object) && !hasFailed(object)) continue;
        controller.enqueue(objectKey(object), { cause: 'reconnected' });
      }
    });
    const collecting = collectRegularly({
      informer,
      membership,
      store,
      repositories,
      bus,
      retentionMs: settings.duration('artifact-retention', 10 * minute),
      everyMs: settings.duration('garbage-interval', 5 * minute),
      log,
      signal,
    });

    return {
      ready: () => {
        if (!informer.hasSynced()) return 'GitRepositories not read yet';
        if (!membership.healthy()) return 'not a member of the replicas yet';
        return leaders.blocked() ?? true;
      },
      ports: () => ({ artifacts: server.port }),
      async close() {
        forget();
        catchUp();
        await controller.close();
        stopping.abort();
        await collecting;
        await server.close();
        await pool.close();
        await membership.close();
        informer.close();
        await storage.close();
      },
    };
  },
};
