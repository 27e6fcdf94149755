// Clusters of Azure (AKS): their address and authority, from the kubeconfig that Azure has for users.
// https://learn.microsoft.com/rest/api/aks/managed-clusters
import { parse as parseYaml } from 'yaml';
import { jsonOf, objectAt, parse, textAt } from '../answers.ts';
import { clusterAddress, decodeCa } from '../clusters.ts';
import type { CloudContext } from '../context.ts';
import { invalidAnswer, invalidConfiguration } from '../errors.ts';
import type { CloudAnswer, Problem } from '../net.ts';
import type { AccessToken, ClusterReference } from '../types.ts';
import type { Management } from './cloud.ts';

const SERVICE = 'Azure Resource Manager';
const API_VERSION = '2025-01-01';
const CLUSTER =
  /^\/subscriptions\/([0-9a-f-]{36})\/resourceGroups\/([\w.()-]{1,200})\/providers\/Microsoft\.ContainerService\/managedClusters\/([\w-]{1,200})$/i;
const PATTERN =
  '(?i)^/subscriptions/([^/]{36})/resourceGroups/([^/]{1,200})/providers/Microsoft\\.ContainerService/managedClusters/([^/]{1,200})$';
/** Kubeconfigs of a cluster that are read: for public and private addresses. */
const MAX_KUBECONFIGS = 10;

export interface AksAccess {
  management: Management;
  token: AccessToken;
  proxy: string | undefined;
}

/** The address and the authority of a cluster. @throws IdentityError */
export async function describeAks(
  context: CloudContext,
  { cluster = '', address }: ClusterReference,
  access: AksAccess,
  signal: AbortSignal,
): Promise<{ host: string; ca: string | undefined }> {
  const path = aksPath(cluster);
  const described = await call(context, 'GET', path, access, signal);
  const { aadProfile } = objectAt(described, 'properties');
  if (typeof aadProfile !== 'object' || aadProfile === null) {
    throw invalidConfiguration(
      `AKS cluster ${cluster} does not have Microsoft Entra ID integration enabled. See docs for enabling: https://learn.microsoft.com/en-us/azure/aks/enable-authentication-microsoft-entra-id`,
    );
  }
  const listed = await call(context, 'POST', `${path}/listClusterUserCredential`, access, signal);
  const { kubeconfigs } = listed;
  const found = (Array.isArray(kubeconfigs) ? kubeconfigs : [])
    .slice(0, MAX_KUBECONFIGS)
    .map((entry) => serverOf(textAt(Object(entry), 'value', SERVICE)));
  const wanted = address && clusterAddress(address);
  const match = found.find(({ host }) => !wanted || clusterAddress(host) === wanted);
  if (match !== undefined) return match;
  const own = found.map(({ host }) => `'${host}'`).join(', ');
  const matching = wanted ? ` matching the specified address '${address}'` : '';
  const known = wanted ? `. cluster addresses: [${own}]` : '';
  throw invalidConfiguration(`no kubeconfig found for AKS cluster ${cluster}${matching}${known}`);
}

/** @throws IdentityError InvalidConfiguration */
export function aksPath(cluster: string): string {
  const [, subscription, group, name] = CLUSTER.exec(cluster) ?? [];
  if (subscription === undefined || group === undefined || name === undefined) {
    const shown = cluster.slice(0, 600);
    throw invalidConfiguration(`invalid AKS cluster ID: '${shown}'. must match ${PATTERN}`);
  }
  return `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.ContainerService/managedClusters/${name}`;
}

async function call(
  { network }: CloudContext,
  method: 'GET' | 'POST',
  path: string,
  { management, token, proxy }: AksAccess,
  signal: AbortSignal,
) {
  const url = new URL(`${management.url}${path}?api-version=${API_VERSION}`);
  const headers = { authorization: `Bearer ${token.token}`, accept: 'application/json' };
  const request = { method, url, headers, service: SERVICE, problem };
  const body = method === 'POST' ? { body: '' } : {};
  return jsonOf(await network.ask({ ...request, ...body }, proxy, signal), SERVICE);
}

/** The first cluster of a kubeconfig. Its users, and programs that it names, are ignored. */
function serverOf(base64: string): { host: string; ca: string | undefined } {
  let config: unknown;
  try {
    config = parseYaml(Buffer.from(base64, 'base64').toString('utf8'), { maxAliasCount: 0 });
  } catch {
    throw invalidAnswer(`a kubeconfig of ${SERVICE} is no YAML`);
  }
  const { clusters } = Object(config) as { clusters?: unknown };
  const { server, ...tls } = objectAt([clusters].flat()[0], 'cluster');
  if (typeof server !== 'string') throw invalidAnswer(`a kubeconfig of ${SERVICE} has no server`);
  const data = tls['certificate-authority-data'];
  return { host: server, ca: typeof data === 'string' ? decodeCa(data, SERVICE) : undefined };
}

function problem({ text }: CloudAnswer): Problem | undefined {
  const { code, message } = objectAt(parse(text), 'error');
  if (typeof code !== 'string') return undefined;
  return { code, message: typeof message === 'string' ? message : undefined };
}
