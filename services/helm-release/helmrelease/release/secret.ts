// A version of a release as a Secret: names, labels and type as Helm 4 writes them (pkg/storage/driver/secrets.go).
import type { KubeObject } from '@weir/kube';

/** The Secret of a version. */
export interface ReleaseSecret extends KubeObject {
  type?: string;
  data?: Record<string, string>;
}

/** What the labels of a Secret say of its version. */
export interface VersionLabels {
  version: number;
  status: string;
  resourceVersion: string;
}

/** Labels that Helm sets anew at each write, but for `createdAt`: that one stays where it was read from storage. */
const OWN_LABELS = ['name', 'owner', 'status', 'version', 'modifiedAt'];

/** Selects all versions of all releases. */
export const HELM_SELECTOR = 'owner=helm';

export function versionSelector(name: string): string {
  return `name=${name},${HELM_SELECTOR}`;
}

export function secretName(name: string, version: number): string {
  return `sh.helm.release.v1.${name}.v${version}`;
}

/** Undefined for a Secret that is no version of that release, whatever its labels say. */
export function versionLabels(secret: KubeObject, name: string): VersionLabels | undefined {
  const { labels = {}, resourceVersion = '' } = secret.metadata;
  const version = Number(labels.version);
  if (!Number.isSafeInteger(version) || secret.metadata.name !== secretName(name, version)) {
    return undefined;
  }
  return { version, status: labels.status ?? '', resourceVersion };
}

interface SecretContent {
  namespace: string;
  name: string;
  version: number;
  status: string;
  payload: string;
  /** As they were read; those that Helm sets itself are replaced. */
  labels: Record<string, string>;
}

/** The Secret to create. The time is in ms since 1970; labels have whole seconds. */
export function newSecret(content: SecretContent, now: number): ReleaseSecret {
  return secretOf(content, { createdAt: content.labels.createdAt ?? seconds(now) });
}

/** The Secret to replace the one of that resourceVersion with. */
export function changedSecret(
  content: SecretContent & { resourceVersion: string },
  now: number,
): ReleaseSecret {
  const secret = secretOf(content, { modifiedAt: seconds(now) });
  return {
    ...secret,
    metadata: { ...secret.metadata, resourceVersion: content.resourceVersion },
  };
}

function secretOf(
  { namespace, name, version, status, payload, labels }: SecretContent,
  time: Record<string, string>,
): ReleaseSecret {
  const kept = Object.entries(labels).filter(([key]) => !OWN_LABELS.includes(key));
  const own = { name, owner: 'helm', status, version: String(version) };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: secretName(name, version),
      namespace,
      labels: { ...Object.fromEntries(kept), ...time, ...own },
    },
    type: 'helm.sh/release.v1',
    data: { release: payload },
  };
}

function seconds(ms: number): string {
  return String(Math.floor(ms / 1_000));
}
