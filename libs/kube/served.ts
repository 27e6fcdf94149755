import type { Caller } from './caller.ts';
import { isNotFound, isUnavailable } from './errors.ts';
import { type DiscoveredResource, parseApiVersion } from './object.ts';

/** Asks for aggregated discovery, all kinds in two requests (KEP-3352). Older servers ignore it and send group lists. */
const AGGREGATED = [
  'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
  'application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList',
  'application/json',
].join(',');

interface AggregatedResource {
  resource: string;
  responseKind?: { group?: string; version?: string; kind: string };
  scope?: 'Cluster' | 'Namespaced';
  verbs?: string[];
  subresources?: { subresource: string }[];
}
interface AggregatedList {
  kind: 'APIGroupDiscoveryList';
  items?: {
    metadata?: { name?: string };
    versions?: { version: string; resources?: AggregatedResource[] | null }[];
  }[];
}
interface GroupList {
  kind: 'APIGroupList';
  groups: {
    preferredVersion?: { groupVersion: string };
    versions: { groupVersion: string }[];
  }[];
}
interface CoreVersions {
  kind: 'APIVersions';
  versions: string[];
}
interface ResourceList {
  resources: { name: string; kind: string; namespaced: boolean; verbs?: string[] }[];
}

/** All kinds that the server serves, those in a group's preferred version before those in its other versions. */
export async function fetchServed(caller: Caller): Promise<DiscoveredResource[]> {
  const [core, groups] = await Promise.all([
    readRoot<CoreVersions>(caller, '/api'),
    readRoot<GroupList>(caller, '/apis'),
  ]);
  const lists = await Promise.all([
    core.kind === 'APIGroupDiscoveryList'
      ? fromAggregated(core)
      : Promise.all(core.versions.map((version) => readVersion(caller, version))),
    groups.kind === 'APIGroupDiscoveryList'
      ? fromAggregated(groups)
      : Promise.all(versionsOf(groups).map((version) => readVersion(caller, version))),
  ]);
  return lists.flat(2);
}

function readRoot<Plain>(caller: Caller, path: string): Promise<Plain | AggregatedList> {
  return caller.request({ method: 'GET', path, accept: AGGREGATED });
}

function fromAggregated(list: AggregatedList): DiscoveredResource[] {
  return (list.items ?? []).flatMap((item) => {
    const group = item.metadata?.name ?? '';
    return (item.versions ?? []).flatMap(({ version, resources }) =>
      (resources ?? []).flatMap((resource) => fromResource(group, version, resource)),
    );
  });
}

/** Returns nothing for a resource without a kind: such an entry only carries subresources. */
function fromResource(
  group: string,
  version: string,
  resource: AggregatedResource,
): DiscoveredResource[] {
  if (!resource.responseKind?.kind) return [];
  return [
    {
      group,
      version,
      kind: resource.responseKind.kind,
      plural: resource.resource,
      namespaced: resource.scope === 'Namespaced',
      verbs: resource.verbs ?? [],
      subresources: (resource.subresources ?? []).map((it) => it.subresource),
    },
  ];
}

function versionsOf({ groups }: GroupList): string[] {
  return groups.flatMap(({ preferredVersion, versions }) => {
    const all = versions.map((version) => version.groupVersion);
    const preferred = preferredVersion?.groupVersion;
    return preferred === undefined
      ? all
      : [preferred, ...all.filter((version) => version !== preferred)];
  });
}

/**
 * The kinds of one version. A group whose aggregated API server is down is left out, as in the Go client, because one
 * such group must not make all other kinds unknown.
 */
async function readVersion(caller: Caller, apiVersion: string): Promise<DiscoveredResource[]> {
  const { group, version } = parseApiVersion(apiVersion);
  const root = group === '' ? '/api' : '/apis';
  let list: ResourceList;
  try {
    list = await caller.request({ method: 'GET', path: `${root}/${apiVersion}` });
  } catch (error) {
    if (isUnavailable(error) || isNotFound(error)) return [];
    throw error;
  }
  const subresources = Map.groupBy(
    list.resources.filter(({ name }) => name.includes('/')),
    ({ name }) => name.slice(0, name.indexOf('/')),
  );
  return list.resources
    .filter(({ name }) => !name.includes('/'))
    .map(({ name, kind, namespaced, verbs }) => ({
      group,
      version,
      kind,
      plural: name,
      namespaced,
      verbs: verbs ?? [],
      subresources: (subresources.get(name) ?? []).map((it) => it.name.slice(name.length + 1)),
    }));
}
