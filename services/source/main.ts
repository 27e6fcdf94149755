// The source service: fetches the sources that objects name, and offers them as artifacts.
import { join } from 'node:path';
import { createStore, reachableAt, serveArtifacts } from '@weir/artifact';
import { type Controller, createInformer, type Informer, runController } from '@weir/controller';
import { cacheRecorder } from '@weir/identity';
import { objectKey } from '@weir/kube';
import { createPool, createVerifiers } from '@weir/render';
import { defineService, engineMemoryBytes, openIdentities, type ServiceParts } from '@weir/service';
import { createTrustedRoot } from '@weir/sigstore';
import { KINDS } from './kinds.ts';
import { openCharts } from './shared/charts/open.ts';
import { hasFailed } from './shared/conditions.ts';
import { runForSources } from './shared/dependents.ts';
import { collectRegularly } from './shared/garbage.ts';
import type { SourceEnvironment, SourceKind } from './shared/kind.ts';
import { createPublisher } from './shared/publish.ts';
import { latestArtifact, type RestorableKind, restoreArtifact } from './shared/restore.ts';
import type { SourceObject } from './shared/source.ts';

const MINUTE_MS = 60_000;
const RETRY = { minMs: 750, maxMs: 15 * MINUTE_MS };

export const service = defineService({
  name: 'source',
  controllers: ['source-controller'],

  async start(parts) {
    const { bus, membership, recorder, settings, storageDir, log, tracing, stack } = parts;
    const stopping = new AbortController();
    const signal = AbortSignal.any([parts.signal, stopping.signal]);
    const artifactDir = join(storageDir, 'artifacts');
    const store = createStore({
      bus,
      dir: artifactDir,
      maxCacheBytes: settings.number('artifact-cache-bytes', 1024 ** 3, { min: 0 }),
      namespaceMaxBytes: settings.number('namespace-max-bytes', 1024 ** 3, { min: 1 }),
      log,
    });
    const pool = await createPool({
      memoryLimitBytes: engineMemoryBytes(settings),
      idleMs: 10 * MINUTE_MS,
      log,
    });
    stack.defer(() => pool.close());
    const verifiers = createVerifiers({ log });
    stack.defer(() => verifiers.close());
    const trustedRoot = createTrustedRoot({
      url: settings.get('sigstore-tuf-url') ?? 'https://tuf-repo-cdn.sigstore.dev',
      root: settings.get('sigstore-tuf-root'),
      dir: join(storageDir, 'sigstore'),
      environment: process.env,
      ...{ log, signal },
    });
    stack.defer(() => trustedRoot.close());
    const identities = openIdentities({ ...parts, tokens: cacheRecorder(parts.metrics) });
    stack.defer(() => identities.close());
    const restorable: RestorableKind[] = [];
    // The server comes before everything that runs by itself, because its port may be taken.
    const server = await serveArtifacts(store, {
      port: settings.port('artifact-port', 9790),
      onMissing: (path) => restoreArtifact(path, restorable, { ...parts, store }),
      latest: (path) => latestArtifact(path, restorable),
      log,
    });
    stack.defer(() => server.close());
    const publisher = createPublisher({ bus, recorder, tracing, log });
    stack.defer(bus.onRecreated(() => publisher.forget()));
    const environment: SourceEnvironment = {
      ...parts,
      ...{ store, artifactDir, publisher, pool, verifiers, trustedRoot, identities, signal },
      charts: openCharts({ ...parts, store, pool, signal }),
      address: reachableAt(settings.get('artifact-address') ?? 'localhost', server.port),
      concurrency: settings.number('concurrent', 16, { min: 1 }),
      minIntervalMs: settings.duration('min-interval', 1_000),
    };
    const sources = await Promise.all(KINDS.map((open) => open(environment)));
    const kinds = sources.map((source) => ({
      ...source,
      source,
      informer: informerOf(source, parts),
    }));
    const collecting = collectRegularly({
      ...{ kinds, membership, store, bus, log, signal },
      retentionMs: settings.duration('artifact-retention', 10 * MINUTE_MS),
      everyMs: settings.duration('garbage-interval', 5 * MINUTE_MS),
    });
    stack.defer(async () => {
      stopping.abort();
      await collecting;
    });
    for (const { source, informer } of kinds) {
      const controller = run(source, informer, environment, parts);
      restorable.push({ source, informer, controller });
      for (const other of kinds) runForSources({ source, informer }, other, controller);
    }

    return {
      missing() {
        const unread = kinds.find(({ informer }) => !informer.hasSynced());
        return unread && `${unread.kind.plural} not read yet`;
      },
      ports: () => ({ artifacts: server.port }),
    };
  },
});

function informerOf(
  { kind }: SourceKind<SourceObject>,
  { client, log, signal, stack }: ServiceParts,
) {
  const informer = createInformer<SourceObject>(client, kind, { log, signal });
  stack.defer(() => informer.close());
  return informer;
}

/** Reconciles the objects of a kind until the service stops. */
function run(
  source: SourceKind<SourceObject>,
  informer: Informer<SourceObject>,
  { publisher, concurrency }: SourceEnvironment,
  { bus, membership, log, metrics, tracing, stack }: ServiceParts,
): Controller {
  const controller = runController<SourceObject>({
    name: source.kind.singular,
    kind: source.kind,
    informer,
    membership,
    ownershipKey: source.ownershipKey,
    concurrency,
    reconcile: (object, context) => source.reconcile(object, context, informer),
    retry: RETRY,
    ...{ log, metrics, tracing },
  });
  stack.defer(() => controller.close());
  stack.defer(bus.onReconnect(() => catchUp(informer, publisher, controller)));
  return controller;
}

/** Runs the objects again whose artifacts NATS may lack; those that failed run again by themselves. */
function catchUp(
  informer: Informer<SourceObject>,
  publisher: SourceEnvironment['publisher'],
  controller: Controller,
): void {
  for (const object of informer.list()) {
    if (publisher.isPublished(object) && !hasFailed(object)) continue;
    controller.enqueue(objectKey(object), { cause: 'reconnected' });
  }
}
