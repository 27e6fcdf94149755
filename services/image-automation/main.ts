// The image-automation service: lists the tags of images, and chooses the latest ones.
import { ImagePolicy, ImageRepository } from '@weir/api';
import { createInformer, runController } from '@weir/controller';
import { createRecorder } from '@weir/events';
import { cacheRecorder } from '@weir/identity';
import type { KubeObject, ResourceType } from '@weir/kube';
import { createPool } from '@weir/render';
import { defineService, engineMemoryBytes, openIdentities, type ServiceParts } from '@weir/service';
import { openKinds } from './kinds.ts';
import { openImages } from './shared/images.ts';
import { COMPONENTS, type ImageEnvironment, type ImageKind } from './shared/kind.ts';

const MINUTE_MS = 60_000;
const RETRY = { minMs: 750, maxMs: 15 * MINUTE_MS };
/** How long a service that stops waits for Kubernetes Events that are being written, in ms. */
const FLUSH_MS = 3_000;

export const service = defineService({
  name: 'image-automation',
  controllers: COMPONENTS,

  async start(parts) {
    const environment = await openEnvironment(parts);
    const kinds = openKinds(environment);
    for (const kind of kinds) run(kind, environment);
    return {
      missing() {
        const unread = kinds.find(({ informer }) => !informer.hasSynced());
        return unread && `${unread.kind.plural} not read yet`;
      },
    };
  },
});

async function openEnvironment(parts: ServiceParts): Promise<ImageEnvironment> {
  const { settings, log, stack } = parts;
  const stopping = new AbortController();
  const signal = AbortSignal.any([parts.signal, stopping.signal]);
  const pool = await createPool({
    memoryLimitBytes: engineMemoryBytes(settings),
    idleMs: 10 * MINUTE_MS,
    log,
  });
  stack.defer(() => pool.close());
  const identities = openIdentities({ ...parts, tokens: cacheRecorder(parts.metrics) });
  stack.defer(() => identities.close());
  stack.defer(() => stopping.abort());
  return {
    ...parts,
    ...{ pool, identities, signal, recorders: openRecorders(parts) },
    images: openImages({ ...parts, pool, identities }, signal),
    repositories: informerOf<ImageRepository>(ImageRepository, parts),
    policies: informerOf<ImagePolicy>(ImagePolicy, parts),
    concurrency: settings.number('concurrent', 16, { min: 1 }),
    minIntervalMs: settings.duration('min-interval', 1_000),
    noCrossNamespaceRefs: settings.boolean('no-cross-namespace-refs', false),
  };
}

/** Events have the name of Flux's controller for the kind. The service's own recorder has the first name. */
function openRecorders(parts: ServiceParts): ImageEnvironment['recorders'] {
  const { client, bus, instance, log, tracing, stack } = parts;
  const component = 'image-automation-controller';
  const automation = createRecorder({ bus, client, component, instance, log, tracing });
  stack.defer(async () => void (await automation.flush(FLUSH_MS)));
  return {
    'image-reflector-controller': parts.recorder,
    'image-automation-controller': automation,
  };
}

function informerOf<T extends KubeObject>(
  kind: ResourceType,
  { client, log, signal, stack }: ServiceParts,
) {
  const informer = createInformer<T>(client, kind, { log, signal });
  stack.defer(() => informer.close());
  return informer;
}

/** Reconciles the objects of a kind until the service stops. */
function run(kind: ImageKind<KubeObject>, environment: ImageEnvironment): void {
  const { membership, concurrency, log, metrics, tracing, stack } = environment;
  const controller = runController<KubeObject>({
    name: kind.kind.singular,
    kind: kind.kind,
    informer: kind.informer,
    membership,
    ownershipKey: kind.ownershipKey,
    concurrency,
    reconcile: kind.reconcile,
    retry: RETRY,
    ...{ log, metrics, tracing },
  });
  stack.defer(() => controller.close());
  const disconnect = kind.connect?.(controller);
  if (disconnect !== undefined) stack.defer(disconnect);
}
