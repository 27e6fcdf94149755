import { mkdir, mkdtemp, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type ApiRequest, certificateRequests } from './api.ts';
import { type AuditEvent, auditReader } from './audit.ts';
import { buildTools, type Tool } from './build.ts';
import { type Component, type Layout, layout, type Ports } from './components.ts';
import { type Control, createControl } from './control.ts';
import { type CommandResult, run } from './exec.ts';
import { createNodes } from './kwok.ts';
import { freePort } from './ports.ts';
import { prepareKubernetes, prepareNats } from './prepare.ts';
import { kubeconfigForServiceAccount, type ServiceAccountName } from './service-account.ts';
import { supervise } from './supervise.ts';
import { until } from './until.ts';

export interface ClusterOptions {
  /**
   * The number of fake nodes on which pods "run" (see `IMAGES`); default 2. With 0 there is no scheduler either, so pods
   * stay pending and the start is faster.
   */
  nodes?: number;
  /** Whether to start kube-controller-manager (garbage collection, rollouts, default service accounts); default true. */
  controllerManager?: boolean;
  /** Whether to start nats-server with JetStream; default true. */
  nats?: boolean;
  /** Lines appended to nats-server's configuration file (accounts, permissions, limits). */
  natsConfig?: string;
  /** Flags appended to kube-apiserver's. */
  apiserverFlags?: string[];
  /** Whether to log each request to the API server, for `audit()`; default false. */
  audit?: boolean;
  /** Whether `kubectl()` works; default false, because building the binary takes time. */
  kubectl?: boolean;
  /** Further binaries that `bin()` can return. */
  tools?: Tool[];
  /** The folder for the components' logs; by default the data folder, which is removed when the cluster stops. */
  logDir?: string;
  /** Gets lines about builds and starts; by default those about builds go to stderr. */
  progress?: (line: string) => void;
}

/** A running cluster; see `startCluster`. */
export interface Cluster extends Control {
  /** The path of an administrator's kubeconfig. */
  kubeconfig: string;
  /** URL of the API server. */
  server: string;
  /** Certificate authority of the API server, PEM. */
  ca: string;
  /** The URL of the NATS server. Throws when the cluster was started without NATS. */
  readonly natsUrl: string;
  /** `KUBECONFIG` and `NATS_URL` for a child process. */
  env: Record<string, string>;
  /** Writes a kubeconfig with a token (24 h) of an existing service account (TokenRequest API), and returns its path. */
  kubeconfigFor(serviceAccount: ServiceAccountName): Promise<string>;
  /** Sends a request as administrator. Rejects with `StatusError` when it is not answered with 2xx. */
  request: ApiRequest;
  /** Runs kubectl as administrator. Resolves also when it fails, with its exit code. Needs the option `kubectl`. */
  kubectl(args: string[], options?: { input?: string }): Promise<CommandResult>;
  /** The path of a binary of this cluster, in a folder for PATH that is removed when the cluster stops. */
  bin(tool: Tool): string;
  /** The requests that the API server has answered so far, oldest first. Needs the option `audit`. */
  audit(): Promise<AuditEvent[]>;
  /** Ends everything that was started and removes the data. */
  close(): Promise<void>;
}

/** Access to an API server that runs already. */
export interface KubernetesAccess {
  kubeconfig: string;
  server: string;
  /** PEM */
  ca: string;
  request: ApiRequest;
}

/** Parts that run already and are not started. */
export interface Given {
  kubernetes?: (dir: string) => Promise<KubernetesAccess>;
  natsUrl?: string;
}

/**
 * Starts a Kubernetes control plane (with TLS and RBAC), fake nodes and a NATS server on free ports of 127.0.0.1, and
 * resolves when everything is ready. Missing binaries are built first, which takes minutes (see `build.ts`).
 *
 * The environment variables `KUBECONFIG` and `NATS_URL` have no effect here; `openCluster` uses them. Everything stops
 * with `close()` and with this process, however it ends. Rejects with the end of a component's log when one fails.
 */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  return launch(options, {});
}

/** Starts a cluster like `startCluster`, without the parts that are given. */
export async function launch(options: ClusterOptions, given: Given): Promise<Cluster> {
  const components = componentsOf(options, given);
  const built = await buildTools(
    [...components, ...(options.tools ?? []), ...(options.kubectl ? ['kubectl' as const] : [])],
    options.progress === undefined ? {} : { progress: options.progress },
  );
  // The name is short because the path of a socket is limited to about 100 bytes.
  const dir = await mkdtemp(join(tmpdir(), 'weir-'));
  const files = layout(dir);
  const logDir = resolve(options.logDir ?? join(dir, 'logs'));
  await mkdir(logDir, { recursive: true });
  const bins = await linkTools(built, files.bin);
  const ports = { apiserver: await freePort(), nats: await freePort() };
  const [supervisor, kubernetes] = await Promise.all([
    supervise(dir),
    given.kubernetes?.(dir) ?? ownKubernetes(files, ports),
    prepareNats(files, ports, options.natsConfig),
  ]);
  const { request } = kubernetes;
  const readAudit = auditReader(files.auditLog);
  const flags = { audit: options.audit ?? false, apiserverFlags: options.apiserverFlags ?? [] };
  const control = createControl({
    supervisor,
    bins,
    files,
    dir,
    logDir,
    ports,
    flags,
    request,
  });
  try {
    await startAll(components, control, request, options);
  } catch (error) {
    await supervisor.close();
    throw error;
  }
  const natsUrl =
    given.natsUrl ??
    (components.includes('nats-server') ? `nats://127.0.0.1:${ports.nats}` : undefined);
  return {
    ...control,
    kubeconfig: kubernetes.kubeconfig,
    server: kubernetes.server,
    ca: kubernetes.ca,
    request,
    get natsUrl() {
      if (natsUrl === undefined) throw new Error('this cluster was started with nats: false');
      return natsUrl;
    },
    env: {
      KUBECONFIG: kubernetes.kubeconfig,
      ...(natsUrl === undefined ? {} : { NATS_URL: natsUrl }),
    },
    kubeconfigFor: (name) =>
      kubeconfigForServiceAccount(name, kubernetes, files.kubeconfig(`account-${name}`)),
    kubectl: (args, { input } = {}) =>
      run(requireTool(bins, 'kubectl'), args, {
        env: { ...process.env, KUBECONFIG: kubernetes.kubeconfig },
        ...(input === undefined ? {} : { input }),
      }),
    bin: (tool) => requireTool(bins, tool),
    audit: () => {
      if (!flags.audit) throw new Error('this cluster was started without the option audit');
      return readAudit();
    },
    close: () => supervisor.close(),
  };
}

function componentsOf(options: ClusterOptions, given: Given): Component[] {
  const components: Component[] = [];
  if (given.natsUrl === undefined && (options.nats ?? true)) components.push('nats-server');
  if (given.kubernetes !== undefined) return components;
  components.push('etcd', 'kube-apiserver');
  if (options.controllerManager ?? true) components.push('kube-controller-manager');
  if (options.nodes !== 0) components.push('kube-scheduler', 'kwok');
  return components;
}

async function ownKubernetes(files: Layout, ports: Ports): Promise<KubernetesAccess> {
  const server = `https://127.0.0.1:${ports.apiserver}`;
  const { ca, admin } = await prepareKubernetes(files, server);
  const request = certificateRequests({ server, ca, ...admin });
  return { kubeconfig: files.kubeconfig('admin'), server, ca, request };
}

async function startAll(
  components: Component[],
  control: Control,
  request: ApiRequest,
  options: ClusterOptions,
): Promise<void> {
  const started = performance.now();
  const servers: Component[] = ['nats-server', 'etcd', 'kube-apiserver'];
  // etcd and the API server start at the same time, because the API server waits for etcd.
  await Promise.all(
    components.filter((component) => servers.includes(component)).map(control.start),
  );
  await Promise.all(
    components.filter((component) => !servers.includes(component)).map(control.start),
  );
  if (components.includes('kwok')) await createNodes(request, options.nodes ?? 2);
  if (components.includes('kube-controller-manager')) await defaultServiceAccount(request);
  options.progress?.(`cluster ready, took ${Math.round(performance.now() - started)} ms`);
}

/** Waits for the default service account: until the controller manager has made it, pods are refused. */
async function defaultServiceAccount(request: ApiRequest): Promise<void> {
  const path = '/api/v1/namespaces/default/serviceaccounts/default';
  await until(() => request('GET', path), {
    timeoutMs: 30_000,
    message: 'the service account of the default namespace',
  });
}

/** Links the binaries by their plain names into a folder for PATH, because file names in the cache contain the version. */
async function linkTools(built: Map<Tool, string>, folder: string): Promise<Map<Tool, string>> {
  await mkdir(folder);
  const links = new Map<Tool, string>();
  for (const [tool, target] of built) {
    const link = join(folder, tool);
    await symlink(target, link);
    links.set(tool, link);
  }
  return links;
}

function requireTool(bins: Map<Tool, string>, tool: Tool): string {
  const path = bins.get(tool);
  if (path !== undefined) return path;
  const option = tool === 'kubectl' ? 'kubectl: true' : `tools: ['${tool}']`;
  throw new Error(`this cluster has no ${tool}: start it with ${option}`);
}
