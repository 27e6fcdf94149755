// How clusters of the clouds are reached: their address and authority, and a token that they take.
import { eksConfig } from './aws/eks.ts';
import { eksClusterOf } from './aws/regions.ts';
import { describeAks } from './azure/aks.ts';
import { AZURE_SCOPES, managementOf } from './azure/cloud.ts';
import type { Clouds } from './clouds.ts';
import { chosen, clusterAddress } from './clusters.ts';
import { invalidConfiguration, within } from './errors.ts';
import { describeGke } from './gcp/gke.ts';
import type { ClusterReference, RestConfig, Subject } from './types.ts';

const NO_TOKEN = 'failed to get access token for cluster';

/** @throws IdentityError */
export async function restConfig(
  clouds: Clouds,
  subject: Subject,
  cluster: ClusterReference,
  signal: AbortSignal,
): Promise<RestConfig> {
  const make = { aws: ofEks, azure: ofAks, gcp: ofGke, generic }[subject.provider];
  const config = await make(clouds, subject, cluster, signal);
  return { ...config, host: clusterAddress(config.host) };
}

type Make = (
  clouds: Clouds,
  subject: Subject,
  cluster: ClusterReference,
  signal: AbortSignal,
) => Promise<RestConfig>;

const ofEks: Make = async ({ context, cache, access, aws }, subject, reference, signal) => {
  const { cluster = '' } = reference;
  const { region } = eksClusterOf(cluster);
  const { namespace, proxy } = subject;
  const found = await within(NO_TOKEN, () => access(aws, subject, { region }, signal));
  const parts = ['cluster', reference, ...found.parts];
  const before = cache.find<RestConfig>(parts);
  if (before !== undefined) return before;
  const credentials = await within(NO_TOKEN, found.get);
  const config = (stop: AbortSignal) =>
    within(`failed to describe EKS cluster '${cluster}'`, () =>
      eksConfig(context, reference, credentials, { proxy, isOwn: found.isOwn }, stop),
    );
  return cache.get(parts, namespace, config, signal);
};

const ofAks: Make = async ({ context, cache, access, azure }, subject, reference, signal) => {
  const { address, ca } = reference;
  const { namespace, proxy } = subject;
  const kubernetes = { scope: AZURE_SCOPES.kubernetes };
  const found = await within(NO_TOKEN, () => access(azure, subject, kubernetes, signal));
  const parts = ['cluster', reference, ...found.parts];
  const before = cache.find<RestConfig>(parts);
  if (before !== undefined) return before;
  const { token, expiresAt } = await within(NO_TOKEN, found.get);
  if (!found.isOwn && address && ca) return { host: address, ca, token, expiresAt };
  const management = await managementOf(context);
  const manager = await within(NO_TOKEN, async () =>
    (await access(azure, subject, { scope: management.scope }, signal)).get(),
  );
  const config = async (stop: AbortSignal) => {
    const access = { management, token: manager, proxy };
    const described = await within('failed to describe AKS cluster', () =>
      describeAks(context, reference, access, stop),
    );
    const known = { hosts: [described.host] as const, ca: described.ca };
    return { ...chosen({ address, ca }, known, found.isOwn), token, expiresAt };
  };
  return cache.get(parts, namespace, config, signal);
};

const ofGke: Make = async ({ context, cache, access, gcp }, subject, reference, signal) => {
  const { cluster = '', address, ca } = reference;
  const { namespace, proxy } = subject;
  const found = await within(NO_TOKEN, () => access(gcp, subject, {}, signal));
  const parts = ['cluster', reference, ...found.parts];
  const before = cache.find<RestConfig>(parts);
  if (before !== undefined) return before;
  const token = await within(NO_TOKEN, found.get);
  if (!found.isOwn && address && ca) return { host: address, ca, ...token };
  const config = async (stop: AbortSignal) => {
    const described = await within(`failed to describe GKE cluster '${cluster}'`, () =>
      describeGke(context, cluster, { token, proxy }, stop),
    );
    return { ...chosen({ address, ca }, described, found.isOwn), ...token };
  };
  return cache.get(parts, namespace, config, signal);
};

const generic: Make = async ({ access, generic: provider }, subject, reference, signal) => {
  const { address, ca, audiences } = reference;
  if (!address) throw invalidConfiguration('cluster address is required to create a REST config');
  // Of no other cluster: a token that any API server takes could be used at this one.
  const wanted = { audiences: audiences?.length ? audiences : [address] };
  const found = await within(NO_TOKEN, () => access(provider, subject, wanted, signal));
  if (found.isOwn && audiences?.some((audience) => audience !== address)) {
    throw invalidConfiguration(
      "without a service account a token is for the cluster's address alone: leave the audiences out, or name an account",
    );
  }
  return { host: address, ca, ...(await within(NO_TOKEN, found.get)) };
};
