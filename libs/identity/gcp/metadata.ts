// The metadata server of Google Cloud: the node's or the pod's identity, and which cluster this is.
// https://cloud.google.com/compute/docs/metadata/querying-metadata
import { jsonOf, numberAt, textAt } from '../answers.ts';
import { type CloudContext, endpointOf } from '../context.ts';
import { IdentityError, invalidAnswer } from '../errors.ts';
import type { CloudAnswer } from '../net.ts';
import type { AccessToken } from '../types.ts';

const SERVICE = 'the metadata server of Google Cloud';

/** A token of the service account that the node has, or that GKE gives the pod. @throws IdentityError */
export async function metadataToken(
  context: CloudContext,
  scopes: readonly string[],
  signal: AbortSignal,
): Promise<AccessToken> {
  const query = new URLSearchParams({ scopes: scopes.join(',') });
  const path = `instance/service-accounts/default/token?${query}`;
  const json = jsonOf(await ask(context, path, signal), SERVICE);
  const token = textAt(json, 'access_token', SERVICE);
  return { token, expiresAt: context.now() + numberAt(json, 'expires_in', SERVICE) * 1_000 };
}

/** The cluster that the service runs in, as Google calls it. */
export interface GkeCluster {
  project: string;
  location: string;
  name: string;
}

/** @throws IdentityError */
export async function readGkeCluster(
  context: CloudContext,
  signal: AbortSignal,
): Promise<GkeCluster> {
  const read = async (path: string, what: string) => {
    const failed = `failed to get GKE cluster ${what} from the metadata service`;
    try {
      const value = (await ask(context, path, signal)).text.trim();
      if (value === '') throw invalidAnswer('empty value');
      if (!/^[\w.:-]{1,200}$/.test(value)) throw invalidAnswer('a value that is no name');
      return value;
    } catch (cause) {
      if (!(cause instanceof IdentityError)) throw cause;
      throw new IdentityError(cause.reason, `${failed}: ${cause.message}`, { cause });
    }
  };
  return {
    project: await read('project/project-id', 'project ID'),
    location: await read('instance/attributes/cluster-location', 'location'),
    name: await read('instance/attributes/cluster-name', 'name'),
  };
}

async function ask(context: CloudContext, path: string, signal: AbortSignal): Promise<CloudAnswer> {
  const base = endpointOf(context, 'gcp-metadata', 'http://169.254.169.254');
  const url = new URL(`${base}/computeMetadata/v1/${path}`);
  const headers = { 'metadata-flavor': 'Google' };
  const request = {
    ...{ method: 'GET' as const, url, headers, service: SERVICE },
    problem: () => undefined,
  };
  const answer = await context.network.askNode(request, signal);
  if (answer.headers['metadata-flavor'] === 'Google') return answer;
  throw invalidAnswer(`${SERVICE} is not what answered`);
}
