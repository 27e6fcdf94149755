// Clusters of Google (GKE): https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters/get
import { googleProblem, type Json, jsonOf, objectAt, textAt } from '../answers.ts';
import { type DescribedCluster, decodeCa } from '../clusters.ts';
import { type CloudContext, endpointOf } from '../context.ts';
import { invalidConfiguration } from '../errors.ts';
import type { AccessToken } from '../types.ts';

const SERVICE = 'Google Kubernetes Engine';
const CLUSTER = /^projects\/[\w.:-]{1,200}\/locations\/[\w-]{1,200}\/clusters\/[\w-]{1,200}$/;
const PATTERN = '^projects/[^/]{1,200}/locations/[^/]{1,200}/clusters/[^/]{1,200}$';

/** The address and the authority of a cluster. @throws IdentityError */
export async function describeGke(
  context: CloudContext,
  cluster: string,
  { token, proxy }: { token: AccessToken; proxy: string | undefined },
  signal: AbortSignal,
): Promise<DescribedCluster> {
  if (!CLUSTER.test(cluster) || /\/\.{1,2}(\/|$)/.test(cluster)) {
    const shown = cluster.slice(0, 600);
    throw invalidConfiguration(`invalid GKE cluster ID: '${shown}'. must match ${PATTERN}`);
  }
  const base = endpointOf(context, 'gcp-container', 'https://container.googleapis.com');
  const request = {
    ...{ method: 'GET' as const, url: new URL(`${base}/v1/${cluster}`), service: SERVICE },
    headers: { authorization: `Bearer ${token.token}` },
    problem: googleProblem,
  };
  const json = jsonOf(await context.network.ask(request, proxy, signal), SERVICE);
  const data = textAt(objectAt(json, 'masterAuth'), 'clusterCaCertificate', SERVICE);
  const hosts = [textAt(json, 'endpoint', SERVICE), ...otherHosts(json)] as const;
  return { hosts, ca: decodeCa(data, SERVICE) };
}

/** The other addresses of a cluster: private, public, and by name. */
function otherHosts(json: Json): string[] {
  const endpoints = objectAt(json, 'controlPlaneEndpointsConfig');
  const [old, ip] = [
    objectAt(json, 'privateClusterConfig'),
    objectAt(endpoints, 'ipEndpointsConfig'),
  ];
  const { endpoint: name } = objectAt(endpoints, 'dnsEndpointConfig');
  const found = [old, ip].flatMap((it) => [it.privateEndpoint, it.publicEndpoint]);
  return [...found, name].filter((host) => typeof host === 'string' && host !== '') as string[];
}
