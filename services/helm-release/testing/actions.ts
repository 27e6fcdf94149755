// A control plane, the engine and Helm's actions, without the rest of the service: each call is one action.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HelmRelease } from '@weir/api';
import { actingAs, openTargetCluster, overrideRules, type TargetCluster } from '@weir/apply';
import { packInMemory } from '@weir/artifact/testing';
import { type Cluster, type ClusterOptions, startCluster } from '@weir/cluster';
import { connectKube, type KubeClient, type KubeObject, serviceAccountUser } from '@weir/kube';
import { createPool, type RenderPool } from '@weir/render';
import { createLogger } from '@weir/telemetry';
import { createActions } from '../helmrelease/actions/index.ts';
import type {
  ActionContext,
  Actions,
  LoadedChart,
  ReleaseContext,
} from '../helmrelease/actions/types.ts';
import { EXCLUDED } from '../helmrelease/drift/compare.ts';
import { CONTROLLER, GROUP } from '../helmrelease/names.ts';
import type { StoredRelease } from '../helmrelease/release/types.ts';

export type Files = Record<string, string>;

/** What one action is about. */
export interface Subject {
  namespace: string;
  /** Of the HelmRelease and of the release; `web` unless given. */
  name?: string;
  spec?: Partial<HelmRelease['spec']>;
  /** Of the HelmRelease. */
  annotations?: Record<string, string>;
  files?: Files;
  values?: object;
  /** Name of a ServiceAccount to act as. */
  account?: string;
  /** Milliseconds; 20 000 unless given. */
  timeoutMs?: number;
  signal?: AbortSignal;
  superseded?: AbortSignal;
  /** Another client for the requests of the action, such as one that dies. */
  client?: KubeClient;
  guard?(): void;
}

export interface Harness {
  cluster: Cluster;
  client: KubeClient;
  target: TargetCluster;
  pool: RenderPool;
  actions: Actions;
  namespace(): Promise<string>;
  /** The context of an action; its lines and records can be read. */
  context(subject: Subject): Promise<Context>;
  /** A fresh process: nothing of what is known in memory is known any more. */
  restart(): Promise<void>;
  get(apiVersion: string, kind: string, namespace: string, name: string): Promise<KubeObject>;
  close(): Promise<void>;
}

export interface Context extends ReleaseContext {
  lines: string[];
  records: StoredRelease[];
}

export async function startHarness(options: ClusterOptions = {}): Promise<Harness> {
  const log = createLogger({ service: 'test', level: 'error' });
  const cluster = await startCluster({ nats: false, ...options });
  const client = connectKube({ kubeconfig: cluster.kubeconfig }, { log });
  const pool = await createPool({ size: 1, log });
  const dir = await mkdtemp(join(tmpdir(), 'weir-helm-'));
  const charts = new Map<string, Promise<LoadedChart>>();
  let state = openState();
  let namespaces = 0;

  function openState() {
    const target = openTargetCluster(client, {
      owner: { group: GROUP, fieldManager: CONTROLLER },
      rules: overrideRules([]),
      operations: ['Apply', 'Update'],
      leftAlone: EXCLUDED,
      onError: (type, err) => log.error({ err, kind: type.kind }, 'drift watch'),
    });
    return { target, actions: createActions({ client, log }) };
  }
  async function closeState(): Promise<void> {
    await Promise.all([state.target.drift.close(), state.actions.close()]);
  }
  async function load(files: Files): Promise<LoadedChart> {
    const entries = Object.entries(files).map(([path, content]) => ({
      path: `app/${path}`,
      mode: 0o644,
      content: Buffer.from(content),
    }));
    const { digest, bytes } = await packInMemory(entries);
    const file = join(dir, `${digest.replace(':', '-')}.tgz`);
    await writeFile(file, bytes);
    const metadata = await pool.helmChart({ digest, file }, { tenant: 'test' });
    return { file: { digest, file }, metadata, ociDigest: undefined };
  }

  return {
    cluster,
    client,
    get target() {
      return state.target;
    },
    pool,
    get actions() {
      return state.actions;
    },
    async namespace() {
      const name = `test-${++namespaces}`;
      await cluster.request('POST', '/api/v1/namespaces', { metadata: { name } });
      return name;
    },
    async context(subject) {
      const { namespace, name = 'web', files = CHART, values = {}, account } = subject;
      const { annotations = {} } = subject;
      const key = JSON.stringify(files);
      const chart = charts.get(key) ?? load(files);
      charts.set(key, chart);
      const inline = JSON.stringify(values);
      const composed = await pool.helmValues({ layers: [], inline }, { tenant: namespace });
      const object = {
        apiVersion: `${GROUP}/v2`,
        kind: 'HelmRelease',
        metadata: { namespace, name, annotations },
        spec: { interval: '60m', chart: { spec: { chart: 'app' } }, ...subject.spec },
      } as HelmRelease;
      const { targetNamespace = namespace, storageNamespace = namespace } = object.spec;
      const own = { client: subject.client ?? client, drift: state.target.drift };
      const acting =
        account === undefined ? own : actingAs(own, serviceAccountUser(namespace, account));
      const target = { namespace: storageNamespace, name, ociDigestOf: () => undefined };
      const storage = state.actions.openStorage({
        cluster: acting,
        pool,
        target,
        tenant: namespace,
        reader: `${namespace}/${name} ${account ?? ''}`,
      });
      const lines: string[] = [];
      const records: StoredRelease[] = [];
      const context: Omit<ActionContext, 'lines'> = {
        object,
        release: { name, namespace: targetNamespace },
        storage,
        cluster: acting,
        hasOwnRights: account === undefined,
        pool,
        options: {
          helm3Defaults: false,
          concurrency: 8,
          overrideManagers: [],
        },
        timeoutMs: subject.timeoutMs ?? 20_000,
        signal: subject.signal ?? AbortSignal.timeout(60_000),
        superseded: subject.superseded ?? new AbortController().signal,
        guard: subject.guard ?? (() => undefined),
        waiting: (wait) => wait(),
        async record(release) {
          records.push(release);
        },
        line: (text) => void lines.push(text),
        log,
      };
      const { values: text, digest } = composed;
      return { ...context, chart: await chart, values: { text, digest }, lines, records };
    },
    async restart() {
      await closeState();
      state = openState();
    },
    async get(apiVersion, kind, namespace, name) {
      const type = await client.discovery.resourceForKind(apiVersion, kind);
      return client.get(type, { namespace, name });
    },
    async close() {
      await closeState();
      await pool.close();
      await client.close();
      await cluster.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** A chart of four objects. */
export const CHART: Files = chart('1.0.0');

export function chart(version: string, more: Files = {}): Files {
  return {
    'Chart.yaml': `apiVersion: v2\nname: app\nversion: ${version}\nappVersion: a${version}\n`,
    'values.yaml': 'color: blue\nreplicas: 0\nimage: example.org/app:1\n',
    'templates/cm.yaml': `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-cfg
  labels: {version: {{ .Chart.Version | quote }}}
data: {color: {{ .Values.color | quote }}}
`,
    'templates/secret.yaml': `apiVersion: v1
kind: Secret
metadata: {name: '{{ .Release.Name }}-key'}
stringData: {password: {{ .Values.color | quote }}}
`,
    'templates/deploy.yaml': `apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
  labels: {version: {{ .Chart.Version | quote }}}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata: {labels: {app: {{ .Release.Name }}}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: main, image: {{ .Values.image }}}]
`,
    'templates/svc.yaml': `apiVersion: v1
kind: Service
metadata: {name: {{ .Release.Name }}}
spec:
  selector: {app: {{ .Release.Name }}}
  ports: [{name: http, port: 80}]
`,
    ...more,
  };
}
