// Small corrections that every client of server-side apply has to make, because the API server
// would refuse or misread the object otherwise. Nothing here changes what the user declared.
import { X509Certificate } from 'node:crypto';
import type { KubeObject } from '@weir/kube';
import { isObject } from './equal.ts';
import { targetOf } from './objects.ts';
import { isCustomResourceDefinition } from './stages.ts';

type Fields = Record<string, unknown>;

/**
 * A copy of the object that is fit for server-side apply:
 * - no status (but of CRDs) and none of the metadata that only the API server writes;
 * - a Secret's `stringData` merged into `data` (kubernetes/kubernetes#108008);
 * - the protocol of ports, which is part of their list key and has no default there
 *   (kubernetes-sigs/structured-merge-diff#130);
 * - no conversion webhook CA bundle that API servers since 1.31 refuse.
 */
export function normalize(object: KubeObject): KubeObject {
  const copy = structuredClone(object);
  for (const field of SERVER_METADATA) delete copy.metadata[field];
  if (isCustomResourceDefinition(targetOf(copy))) dropInvalidBundle(copy);
  else delete copy.status;
  if (copy.apiVersion === 'v1' && copy.kind === 'Secret') mergeStringData(copy);
  if (copy.apiVersion === 'v1' && copy.kind === 'Service') nameProtocols(at(copy, 'spec'));
  const podSpec = POD_SPECS[`${copy.apiVersion}/${copy.kind}`];
  if (podSpec !== undefined) {
    for (const container of list(at(copy, ...podSpec)?.containers)) nameProtocols(container);
  }
  return copy;
}

const SERVER_METADATA = [
  'creationTimestamp',
  'managedFields',
  'resourceVersion',
  'uid',
  'generation',
] as const;

const TEMPLATE = ['spec', 'template', 'spec'];
const POD_SPECS: Record<string, string[]> = {
  'v1/Pod': ['spec'],
  'apps/v1/Deployment': TEMPLATE,
  'apps/v1/StatefulSet': TEMPLATE,
  'apps/v1/DaemonSet': TEMPLATE,
  'apps/v1/ReplicaSet': TEMPLATE,
  'batch/v1/Job': TEMPLATE,
  'batch/v1/CronJob': ['spec', 'jobTemplate', ...TEMPLATE],
};

function at(object: unknown, ...path: string[]): Fields | undefined {
  const [step, ...rest] = path;
  if (!isObject(object)) return undefined;
  return step === undefined ? object : at(object[step], ...rest);
}

function list(value: unknown): Fields[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function nameProtocols(holder: Fields | undefined): void {
  for (const port of list(holder?.ports)) port.protocol ||= 'TCP';
}

function mergeStringData(secret: Fields): void {
  const { stringData } = secret;
  if (!isObject(stringData)) return;
  const encoded = Object.entries(stringData).map(([key, value]) => [
    key,
    Buffer.from(String(value)).toString('base64'),
  ]);
  secret.data = { ...at(secret, 'data'), ...Object.fromEntries(encoded) };
  delete secret.stringData;
}

function dropInvalidBundle(crd: KubeObject): void {
  const config = at(crd, 'spec', 'conversion', 'webhook', 'clientConfig');
  if (config?.caBundle === undefined || isCertificate(String(config.caBundle))) return;
  delete config.caBundle;
}

function isCertificate(base64: string): boolean {
  try {
    return new X509Certificate(Buffer.from(base64, 'base64')).raw.length > 0;
  } catch {
    // What can't be parsed is no certificate: that is the question here.
    return false;
  }
}
