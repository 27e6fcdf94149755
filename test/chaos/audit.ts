import { isDeepStrictEqual } from 'node:util';
import { GitRepository, Kustomization } from '@weir/api';
import { until } from '@weir/cluster';
import type { FluxEvent } from '@weir/events';
import { ConfigMap, type KubeObject } from '@weir/kube';
import type { Environment } from './environment.ts';
import { type Model, NAMESPACE } from './model.ts';

const OWNER = 'kustomize.toolkit.fluxcd.io/name';
/** The key of the revision: on the stream with the group of the object's kind before it, in a message without. */
const REVISION = /(^|\/)revision$/;
const ALERTS_MS = 30_000;

export interface Audit {
  facts: string[];
  /** What is not as the last commit says; empty when everything is. */
  faults: string[];
}

/** Compares the cluster, the inventories and the alerts with what was committed. */
export async function audit(environment: Environment, model: Model, last: string): Promise<Audit> {
  const [objects, inventories, alerts] = await Promise.all([
    objectFaults(environment, model),
    inventoryFaults(environment, model),
    alertFaults(environment, model, last),
  ]);
  const copies = environment.chat.requests().length - new Set(delivered(environment)).size;
  return {
    facts: [
      `${environment.events.size} events, ${environment.chat.requests().length} alerts, ${copies} of them again`,
    ],
    faults: [...objects, ...inventories, ...alerts],
  };
}

async function objectFaults({ client }: Environment, model: Model): Promise<string[]> {
  const { items } = await client.list<KubeObject>(ConfigMap, {
    namespace: NAMESPACE,
    labelSelector: OWNER,
  });
  return model.apps.flatMap((app) => {
    const found = items
      .filter(({ metadata }) => metadata.labels?.[OWNER] === app)
      .map(({ metadata, data }) => [metadata.name, (data as { value?: string })?.value]);
    const expected = [...model.expected(app)];
    return differs(`ConfigMaps of ${app}`, found, expected);
  });
}

async function inventoryFaults({ client }: Environment, model: Model): Promise<string[]> {
  const { items } = await client.list<Kustomization>(Kustomization, { namespace: NAMESPACE });
  return items.flatMap(({ metadata, status }) => {
    const found = status?.inventory?.entries.map(({ id }) => id) ?? [];
    const names = [...model.expected(metadata.name).keys()];
    const expected = names.map((name) => `${NAMESPACE}_${name}__ConfigMap`);
    return differs(`inventory of ${metadata.name}`, found, expected);
  });
}

/** The alerts that are missing: one for each published event, and one about the last commit for the source and each app. */
async function alertFaults(
  environment: Environment,
  model: Model,
  last: string,
): Promise<string[]> {
  const missing = (): string[] => {
    const arrived = new Set(delivered(environment));
    const events = [...environment.events.values()].filter(isWanted);
    const lost = events
      .filter((event) => !arrived.has(nameOf(event)))
      .map((event) => nameOf(event));
    const isAbout = (kind: string, name: string) => (event: FluxEvent) =>
      event.involvedObject.kind === kind &&
      event.involvedObject.name === name &&
      event.severity === 'info' &&
      JSON.stringify(event.metadata ?? {}).includes(last);
    const silent = [
      ...(events.some(isAbout(GitRepository.kind, 'apps')) ? [] : ['GitRepository apps']),
      ...model.apps.filter((app) => !events.some(isAbout(Kustomization.kind, app))),
    ];
    return [
      ...lost.map((event) => `event without an alert: ${event}`),
      ...silent.map((name) => `no event of the last commit: ${name}`),
    ];
  };
  await until(() => missing().length === 0, { timeoutMs: ALERTS_MS, message: 'all alerts' }).catch(
    () => undefined,
  );
  return missing();
}

/** Whether the Alert selects the event: it selects these kinds only, and not events about the Alert itself. */
function isWanted({ involvedObject }: FluxEvent): boolean {
  return [GitRepository.kind, Kustomization.kind].includes(involvedObject.kind);
}

function delivered({ chat }: Environment): string[] {
  return chat.requests().map(({ body }) => nameOf(JSON.parse(body) as FluxEvent));
}

/** A text that identifies an event, in the same form for a published event and for one that a provider delivered. */
function nameOf({ involvedObject, timestamp, reason, message, metadata }: FluxEvent): string {
  const { kind, name } = involvedObject;
  const revision = Object.entries(metadata ?? {}).find(([key]) => REVISION.test(key))?.[1];
  return [kind, name, timestamp, revision, reason, message].join(' ');
}

function differs<T>(what: string, found: T[], expected: T[]): string[] {
  const [is, wanted] = [sorted(found), sorted(expected)];
  if (isDeepStrictEqual(is, wanted)) return [];
  return [`${what}: ${JSON.stringify(is)} instead of ${JSON.stringify(wanted)}`];
}

function sorted<T>(list: T[]): T[] {
  return [...list].sort((a, b) => (String(a) < String(b) ? -1 : 1));
}
