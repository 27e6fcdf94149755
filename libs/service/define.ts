// What every service of Weir opens before its own parts, and how all of it is let go of again.
import { joinMembership, type Membership } from '@weir/controller';
import { createRecorder, type Recorder } from '@weir/events';
import { type FluxLeaders, fluxNamespaces, watchFluxLeaders, yieldToFlux } from './flux-leaders.ts';
import type { Service, ServiceContext } from './service.ts';
import { leaseTimes } from './settings.ts';
import { openStorage } from './storage.ts';

/** What a service is given: its surroundings, and the parts that all services have. */
export interface ServiceParts extends ServiceContext {
  /** A folder for what can be had again. */
  storageDir: string;
  /** Whether a controller of Flux, which this service stands in for, is at work. */
  leaders: FluxLeaders;
  /** Which objects are this replica's; none while a controller of Flux leads. */
  membership: Membership;
  recorder: Recorder;
  /** What the service opens goes onto it. It is disposed of in reverse order when the service stops or fails to start. */
  stack: AsyncDisposableStack;
}

/** A service at work, to be asked. */
export interface StartedService {
  /** What is still missing before it can do its work, in a few words. */
  missing?(): string | undefined;
  /** Ports that it listens on, by purpose, where it chose them itself. */
  ports?(): Record<string, number>;
}

export interface ServiceDefinition {
  name: string;
  /** The controllers of Flux that it stands in for; events carry the name of the first. */
  controllers: readonly [string, ...string[]];
  /** Opens what is the service's own. Resolves once it is at work, which is before it is ready. */
  start(parts: ServiceParts): Promise<StartedService>;
}

/** How long a service that stops waits for the Kubernetes Events that are under way, in ms. */
const FLUSH_MS = 3_000;

/** A service from its definition. A start that fails lets go of what it had opened, and rejects. */
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
