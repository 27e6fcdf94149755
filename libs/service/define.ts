// Opens what every service of Weir needs before its own parts, and closes all of it again.
import { joinMembership, type Membership } from '@weir/controller';
import { createRecorder, type Recorder } from '@weir/events';
import { type FluxLeaders, fluxNamespaces, watchFluxLeaders, yieldToFlux } from './flux-leaders.ts';
import type { Service, ServiceContext } from './service.ts';
import { leaseTimes } from './settings.ts';
import { openStorage } from './storage.ts';

/** The inputs of a service: its surroundings, and the parts that all services have. */
export interface ServiceParts extends ServiceContext {
  /** A folder for derived data. */
  storageDir: string;
  /** Whether a controller of Flux that this service replaces is running. */
  leaders: FluxLeaders;
  /** Which objects this replica owns; none while a controller of Flux leads. */
  membership: Membership;
  recorder: Recorder;
  /** For what the service opens. It is disposed of in reverse order when the service stops or fails to start. */
  stack: AsyncDisposableStack;
}

/** A running service. */
export interface StartedService {
  /** What is still missing before the service is ready, in a few words. */
  missing?(): string | undefined;
  /** Ports that it listens on, by purpose, if it chose them itself. */
  ports?(): Record<string, number>;
}

export interface ServiceDefinition {
  name: string;
  /** The controllers of Flux that the service replaces; events have the name of the first. */
  controllers: readonly [string, ...string[]];
  /** Opens the service's own parts. Resolves once it runs, which is before it is ready. */
  start(parts: ServiceParts): Promise<StartedService>;
}

/** How long a service that stops waits for Kubernetes Events that are being written, in ms. */
const FLUSH_MS = 3_000;

/** Makes a service from its definition. A start that fails closes what it had opened, and rejects. */
export function defineService({ name, controllers, start }: ServiceDefinition): Service {
  return {
    name,
    async start(context) {
      const stack = new AsyncDisposableStack();
      try {
        const parts = await openParts(context, controllers, stack);
        const started = await start(parts);
        return {
          ready: () => missing(parts) ?? started.missing?.() ?? true,
          ports: () => started.ports?.() ?? {},
          close: () => stack.disposeAsync(),
        };
      } catch (error) {
        await stack.disposeAsync();
        throw error;
      }
    },
  };
}

async function openParts(
  context: ServiceContext,
  controllers: ServiceDefinition['controllers'],
  stack: AsyncDisposableStack,
): Promise<ServiceParts> {
  const { client, bus, settings, name: service, namespace, instance, log, tracing } = context;
  const [component] = controllers;
  const storage = await openStorage(settings, { service, instance });
  stack.defer(() => storage.close());
  const recorder = createRecorder({ bus, client, component, instance, log, tracing });
  stack.defer(async () => void (await recorder.flush(FLUSH_MS)));
  const namespaces = fluxNamespaces(settings, namespace);
  const leaders = watchFluxLeaders({ client, controllers, namespaces, log });
  const times = leaseTimes(settings);
  const joined = await joinMembership({ client, namespace, service, instance, ...times, log });
  const membership = yieldToFlux(joined, leaders);
  stack.defer(() => membership.close());
  return { ...context, storageDir: storage.dir, recorder, leaders, membership, stack };
}

function missing({ membership, leaders }: ServiceParts): string | undefined {
  if (!membership.healthy()) return 'not a member of the replicas yet';
  return leaders.blocked();
}
