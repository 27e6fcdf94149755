// Clusters of Google (GKE): https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters/get
import { googleProblem, jsonOf, objectAt, textAt } from '../answers.ts';
import { decodeCa } from '../clusters.ts';
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
): Promise<{ host: string; ca: string }> {
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
  return { host: textAt(json, 'endpoint', SERVICE), ca: decodeCa(data, SERVICE) };
}
