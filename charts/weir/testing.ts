// Renders the chart with the real helm, and returns its objects.
import assert from 'node:assert/strict';
import { buildTools, type CommandResult, run } from '@weir/cluster';
import { parseAllDocuments } from 'yaml';

export const CHART = import.meta.dirname;
export const NAMESPACE = 'weir-system';
export const SERVICES = ['source', 'kustomize', 'helm-release', 'notification', 'image-automation'];
/** Passwords for a NATS of tests. They begin with a letter, because nats-server would read `1e0` as a number. */
export const PASSWORDS = Object.fromEntries(
  [...SERVICES, 'routes'].map((name, index) => [name, `p1e${index}`]),
);
/** The version of the API server that the tests run. */
const KUBERNETES = '1.36.0';

export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels: Record<string, string> };
  [field: string]: unknown;
}

export interface PodSpec {
  serviceAccountName: string;
  automountServiceAccountToken: boolean;
  securityContext: { runAsNonRoot: boolean; seccompProfile?: { type: string } };
  topologySpreadConstraints?: unknown[];
  containers: {
    name: string;
    image: string;
    args: string[];
    env: { name: string; value?: string }[];
    ports: { name: string; containerPort: number }[];
    securityContext: Record<string, unknown>;
  }[];
}

export interface Workload extends Manifest {
  spec: {
    replicas: number;
    selector: { matchLabels: Record<string, string> };
    template: { metadata: { labels: Record<string, string> }; spec: PodSpec };
  };
}

/** Runs helm with an empty home, so that no plugin or setting of this machine has an effect. */
export async function helm(args: string[], env: NodeJS.ProcessEnv = {}): Promise<CommandResult> {
  const tools = await buildTools(['helm']);
  const binary = tools.get('helm');
  assert.ok(binary);
  return run(binary, args, { env: { HOME: '/nonexistent', ...env }, timeoutMs: 120_000 });
}

/** The output of `helm template` for values in the form of `--set`. */
export async function renderText(...values: string[]): Promise<string> {
  const args = ['template', 'weir', CHART, '--namespace', NAMESPACE, '--kube-version', KUBERNETES];
  const { stdout, stderr, code } = await helm([
    ...args,
    ...values.map((value) => `--set=${value}`),
  ]);
  assert.equal(code, 0, stderr);
  return stdout;
}

export async function render(...values: string[]): Promise<Manifest[]> {
  return parseManifests(await renderText(...values));
}

export function parseManifests(text: string): Manifest[] {
  return parseAllDocuments(text).flatMap((document) => {
    assert.deepEqual(document.errors, []);
    return document.toJS() ?? [];
  });
}

export function isWorkload(manifest: Manifest): manifest is Workload {
  return manifest.kind === 'Deployment' || manifest.kind === 'StatefulSet';
}

export function workloads(manifests: readonly Manifest[]): Workload[] {
  return manifests.filter(isWorkload);
}

export function find(manifests: readonly Manifest[], kind: string, name: string): Manifest {
  const found = manifests.find((one) => one.kind === kind && one.metadata.name === name);
  assert.ok(found, `${kind}/${name} is not rendered`);
  return found;
}

/** The configuration of nats-server for some values. */
export async function natsConfiguration(...values: string[]): Promise<string> {
  const { data } = find(await render(...values), 'ConfigMap', 'weir-nats');
  return Object(data)['nats.conf'];
}

/** The variables of the container's environment that its configuration uses. */
export const NATS_ENVIRONMENT: Record<string, string> = Object.fromEntries(
  Object.entries(PASSWORDS).map(([name, password]) => [
    `NATS_PASSWORD_${name.replaceAll('-', '_').toUpperCase()}`,
    password,
  ]),
);

/** The part of the configuration that says who may log in and do what, with `PASSWORDS` filled in. */
export async function natsAuthorization(): Promise<string> {
  const [, authorization = ''] = (await natsConfiguration()).split(/^(?=authorization \{)/m);
  return authorization.replaceAll(/\$(NATS_\w+)/g, (_, name) => NATS_ENVIRONMENT[name] ?? '');
}
