import { isDeepStrictEqual } from 'node:util';
import { GitRepository, Kustomization } from '@weir/api';
import { until } from '@weir/cluster';
import type { FluxEvent } from '@weir/events';
import { ConfigMap, type KubeObject } from '@weir/kube';
import type { Ground } from './ground.ts';
import { type Model, NAMESPACE } from './model.ts';

const OWNER = 'kustomize.toolkit.fluxcd.io/name';
/** With the group of its kind in front on the stream, without it in a message. */
const REVISION = /(^|\/)revision$/;
const ALERTS_MS = 30_000;

export interface Audit {
  facts: string[];
  /** Empty when all is as the last commit says. */
  faults: string[];
}

/** Compares the cluster, the inventories and the alerts with what was committed. */
export async function audit(ground: Ground, model: Model, last: string): Promise<Audit> {
  const [objects, inventories, alerts] = await Promise.all([
    objectFaults(ground, model),
    inventoryFaults(ground, model),
    alertFaults(ground, model, last),
  ]);
  const copies = ground.chat.requests().length - new Set(delivered(ground)).size;
  return {
    facts: [
      `${ground.events.size} events, ${ground.chat.requests().length} alerts, ${copies} of them again`,
    ],
    faults: [...objects, ...inventories, ...alerts],
  };
}

async function objectFaults({ client }: Ground, model: Model): Promise<string[]> {
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

async function inventoryFaults({ client }: Ground, model: Model): Promise<string[]> {
  const { items } = await client.list<Kustomization>(Kustomization, { namespace: NAMESPACE });
  return items.flatMap(({ metadata, status }) => {
    const found = status?.inventory?.entries.map(({ id }) => id) ?? [];
    const names = [...model.expected(metadata.name).keys()];
    const expected = names.map((name) => `${NAMESPACE}_${name}__ConfigMap`);
    return differs(`inventory of ${metadata.name}`, found, expected);
  });
}

/** Each event that was published arrives; each app tells of the last commit, which changed it, and so does the source. */
async function alertFaults(ground: Ground, model: Model, last: string): Promise<string[]> {
  const missing = (): string[] => {
    const heard = new Set(delivered(ground));
    const events = [...ground.events.values()].filter(isWanted);
    const lost = events.filter((event) => !heard.has(nameOf(event))).map((event) => nameOf(event));
    const tells = (kind: string, name: string) => (event: FluxEvent) =>
      event.involvedObject.kind === kind &&
      event.involvedObject.name === name &&
      event.severity === 'info' &&
      JSON.stringify(event.metadata ?? {}).includes(last);
    const silent = [
      ...(events.some(tells(GitRepository.kind, 'apps')) ? [] : ['GitRepository apps']),
      ...model.apps.filter((app) => !events.some(tells(Kustomization.kind, app))),
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

/** By the alert, which looks at these kinds; what notification says of the alert itself goes to nobody. */
function isWanted({ involvedObject }: FluxEvent): boolean {
  return [GitRepository.kind, Kustomization.kind].includes(involvedObject.kind);
}

function delivered({ chat }: Ground): string[] {
  return chat.requests().map(({ body }) => nameOf(JSON.parse(body) as FluxEvent));
}

/** What tells one event from another, also after its way through a provider. */
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
