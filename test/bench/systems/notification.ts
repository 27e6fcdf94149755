// The services that send alerts, alone: Weir's notification, and Flux's notification-controller.
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { connectBus } from '@weir/bus';
import { buildTool, freePort } from '@weir/cluster';
import { runProgram } from '@weir/conformance/process';
import { eventSubject } from '@weir/events';
import { createLogger, createMetrics } from '@weir/telemetry';
import type { Environment } from '../environment.ts';
import type { RunningSystem } from '../system.ts';
import { type Part, startParts } from './parts.ts';

const CONTROLLER = 'notification-controller';
const FLUSH_MS = 30_000;
/** No name longer than the default of `--cluster-name`: the service reads the events of this cluster. */
const CLUSTER = 'default';

/** Weir's notification. Events come over NATS, as from the other services; `publish` resolves when NATS has stored one. */
export async function startWeirNotification(
  { cluster }: Environment,
  service: () => Promise<Part>,
): Promise<RunningSystem> {
  const parts = await startParts({ notification: service });
  const log = createLogger({ service: 'bench', level: 'error' });
  const metrics = createMetrics({ service: 'bench' });
  const servers = cluster.natsUrl;
  const bus = await connectBus({
    servers,
    cluster: CLUSTER,
    name: 'bench',
    owns: [],
    log,
    metrics,
  });
  await bus.ready;
  return {
    ...parts,
    async publish(event) {
      const { apiVersion: group, kind, namespace, name } = event.involvedObject;
      bus.publish({
        stream: 'weir-events',
        namespace,
        subject: eventSubject(CLUSTER, { group, kind, namespace, name }, event.reason),
        id: randomUUID(),
        type: `weir.event.${event.severity}`,
        source: '/bench',
        data: event,
      });
      await bus.flush(FLUSH_MS);
    },
    async close() {
      await bus.close();
      await parts.close();
    },
  };
}

/** Prepares Flux's notification-controller with its default flags, with ports that stay the same over a restart. */
export async function notificationController({ cluster, dir }: Environment): Promise<{
  start: () => Promise<Part>;
  events: string;
  webhooks: string;
}> {
  const ports = await Promise.all(Array.from({ length: 4 }, freePort));
  const [healthPort = 0, metricsPort = 0, eventsPort = 0, receiverPort = 0] = ports;
  const command = await buildTool(CONTROLLER);
  const start = () =>
    runProgram({
      name: CONTROLLER,
      command,
      args: [
        '--watch-all-namespaces',
        '--log-level=info',
        `--metrics-addr=127.0.0.1:${metricsPort}`,
        `--health-addr=127.0.0.1:${healthPort}`,
        `--events-addr=127.0.0.1:${eventsPort}`,
        `--receiverAddr=127.0.0.1:${receiverPort}`,
      ],
      env: { KUBECONFIG: cluster.kubeconfig, RUNTIME_NAMESPACE: 'flux-system' },
      healthPort,
      log: join(dir, `${CONTROLLER}.log`),
    });
  const at = (port: number) => `http://127.0.0.1:${port}`;
  return { start, events: `${at(eventsPort)}/`, webhooks: at(receiverPort) };
}

/** Starts it alone. `publish` resolves with its 202, which comes before the message, and rejects while it is down. */
export async function startNotificationController(
  environment: Environment,
): Promise<RunningSystem> {
  const { start, events } = await notificationController(environment);
  const parts = await startParts({ [CONTROLLER]: start });
  return {
    ...parts,
    async publish(event) {
      const response = await fetch(events, { method: 'POST', body: JSON.stringify(event) });
      if (response.status !== 202) throw new Error(`the events endpoint says ${response.status}`);
    },
  };
}
