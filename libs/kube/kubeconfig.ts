import { existsSync, readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { homedir } from 'node:os';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import {
  type Cluster,
  newClusters,
  newUsers,
  type User,
} from '@kubernetes/client-node/dist/config_types.js';
import { parse } from 'yaml';
import { KubeconfigError } from './errors.ts';
import type { Impersonation } from './impersonate.ts';

const IN_CLUSTER = '/var/run/secrets/kubernetes.io/serviceaccount';

/** One context of a kubeconfig: the server and the user. All paths are absolute. */
export interface Access {
  cluster: Cluster;
  user: User;
  /** A file that contains the bearer token and is rotated (`tokenFile` of a kubeconfig, the token of a pod). */
  tokenFile?: string;
  impersonate?: Impersonation;
}

export type Fields = Record<string, unknown>;
export interface NamedEntry {
  name: string;
  entry: Fields;
}
interface Kubeconfig {
  currentContext?: string;
  contexts: NamedEntry[];
  clusters: NamedEntry[];
  users: NamedEntry[];
}

/**
 * Finds out how to reach the API server: by the given file, else the files of KUBECONFIG (merged; where several name
 * the same entry the first one counts), else the pod's service account, else ~/.kube/config.
 * Throws KubeconfigError, which says what to correct.
 */
export function loadAccess(path?: string, env: NodeJS.ProcessEnv = process.env): Access {
  if (path !== undefined) return accessOf(readKubeconfig(path), path);
  const listed = (env.KUBECONFIG ?? '').split(delimiter).filter((file) => file !== '');
  if (listed.length > 0) {
    const files = listed.filter((file) => existsSync(file));
    if (files.length === 0) {
      throw new KubeconfigError(`KUBECONFIG names no file that exists: ${listed.join(', ')}`);
    }
    return accessOf(merge(files.map(readKubeconfig)), files.join(delimiter));
  }
  const inCluster = inClusterAccess(env);
  if (inCluster !== undefined) return inCluster;
  const home = join(env.HOME ?? homedir(), '.kube', 'config');
  if (existsSync(home)) return accessOf(readKubeconfig(home), home);
  throw new KubeconfigError(
    'no Kubernetes cluster is configured: set KUBECONFIG, run in a pod, or have ~/.kube/config',
  );
}

/** The service account of the pod that this process runs in. The kubelet mounts its token and rotates it. */
export function inClusterAccess(env: NodeJS.ProcessEnv, root = IN_CLUSTER): Access | undefined {
  const host = env.KUBERNETES_SERVICE_HOST;
  const tokenFile = join(root, 'token');
  if (!host || !existsSync(tokenFile)) return undefined;
  const address = isIPv6(host) ? `[${host}]` : host;
  return {
    cluster: {
      name: 'in-cluster',
      server: `https://${address}:${env.KUBERNETES_SERVICE_PORT ?? '443'}`,
      caFile: join(root, 'ca.crt'),
      skipTLSVerify: false,
    },
    user: { name: 'in-cluster' },
    tokenFile,
  };
}

function readKubeconfig(path: string): Kubeconfig {
  let document: unknown;
  try {
    document = parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    const why = cause instanceof Error && 'code' in cause ? String(cause.code) : 'not YAML';
    throw new KubeconfigError(`cannot read kubeconfig ${path}: ${why}`);
  }
  if (!isFields(document)) throw new KubeconfigError(`kubeconfig ${path} is not a mapping`);
  const current = document['current-context'];
  const folder = dirname(path);
  return {
    ...(typeof current === 'string' && current !== '' ? { currentContext: current } : {}),
    contexts: namedEntries(document.contexts, 'context'),
    clusters: namedEntries(document.clusters, 'cluster').map((it) => absolute(it, folder)),
    users: namedEntries(document.users, 'user').map((it) => absolute(it, folder)),
  };
}

/** The entries of a list of a kubeconfig that have a name. */
export function namedEntries(list: unknown, field: string): NamedEntry[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((item) =>
    isFields(item) && typeof item.name === 'string'
      ? [{ name: item.name, entry: isFields(item[field]) ? item[field] : {} }]
      : [],
  );
}

const PATHS = ['certificate-authority', 'client-certificate', 'client-key', 'tokenFile'];

/**
 * Makes the file names of an entry absolute: they are relative to the folder of their kubeconfig. A plugin's command
 * without a slash is left alone, because it is looked up in PATH.
 */
function absolute({ name, entry }: NamedEntry, folder: string): NamedEntry {
  const moved: Fields = { ...entry };
  const resolve = (path: string) => (isAbsolute(path) ? path : join(folder, path));
  for (const field of PATHS) {
    const path = entry[field];
    if (typeof path === 'string' && path !== '') moved[field] = resolve(path);
  }
  const exec = entry.exec;
  if (isFields(exec) && typeof exec.command === 'string' && exec.command.includes('/')) {
    moved.exec = { ...exec, command: resolve(exec.command) };
  }
  return { name, entry: moved };
}

function merge(configs: Kubeconfig[]): Kubeconfig {
  const current = configs.find((config) => config.currentContext !== undefined)?.currentContext;
  const first = (lists: NamedEntry[][]) => [
    ...new Map(
      lists
        .flat()
        .toReversed()
        .map((it) => [it.name, it]),
    ).values(),
  ];
  return {
    ...(current === undefined ? {} : { currentContext: current }),
    contexts: first(configs.map((config) => config.contexts)),
    clusters: first(configs.map((config) => config.clusters)),
    users: first(configs.map((config) => config.users)),
  };
}

function accessOf(config: Kubeconfig, path: string): Access {
  const find = (list: NamedEntry[], what: string, name: unknown): NamedEntry => {
    const found = list.find((it) => it.name === name);
    if (found === undefined) {
      throw new KubeconfigError(`kubeconfig ${path} has no ${what} ${JSON.stringify(name ?? '')}`);
    }
    return found;
  };
  if (config.currentContext === undefined) {
    throw new KubeconfigError(
      `kubeconfig ${path} has no current-context: set one with kubectl config use-context`,
    );
  }
  const context = find(config.contexts, 'context', config.currentContext).entry;
  const rawCluster = find(config.clusters, 'cluster', context.cluster);
  const rawUser =
    context.user === undefined || context.user === ''
      ? { name: 'anonymous', entry: {} }
      : find(config.users, 'user', context.user);
  if (typeof rawCluster.entry.server !== 'string') {
    throw new KubeconfigError(`kubeconfig ${path}: cluster ${rawCluster.name} has no server`);
  }
  const [cluster] = newClusters([{ name: rawCluster.name, cluster: rawCluster.entry }]);
  const [user] = newUsers([{ name: rawUser.name, user: rawUser.entry }]);
  if (cluster === undefined || user === undefined) {
    throw new KubeconfigError(`kubeconfig ${path} has no usable cluster and user`);
  }
  return { cluster, user, ...tokenFileOf(rawUser.entry), ...impersonationOf(rawUser.entry) };
}

function tokenFileOf(user: Fields): { tokenFile?: string } {
  return typeof user.tokenFile === 'string' && user.tokenFile !== ''
    ? { tokenFile: user.tokenFile }
    : {};
}

/** The identity that a kubeconfig's user acts as (`as`, `as-groups`, `as-uid`, `as-user-extra`). */
export function impersonationOf(user: Fields): { impersonate?: Impersonation } {
  if (typeof user.as !== 'string' || user.as === '') return {};
  const groups = user['as-groups'];
  const uid = user['as-uid'];
  const extra = user['as-user-extra'];
  return {
    impersonate: {
      user: user.as,
      ...(Array.isArray(groups) ? { groups: groups.map(String) } : {}),
      ...(typeof uid === 'string' ? { uid } : {}),
      ...(isFields(extra) ? { extra: stringLists(extra) } : {}),
    },
  };
}

function stringLists(fields: Fields): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(fields).map(([key, list]) => [key, Array.isArray(list) ? list.map(String) : []]),
  );
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
