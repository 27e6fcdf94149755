import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import {
  type Cluster,
  type ClusterOptions,
  type GitServer,
  type GitServerAuth,
  type GitServerRepository,
  type ReceivedRequest,
  type Receiver,
  startCluster,
  startGitServer,
  startReceiver,
  until,
} from '@weir/cluster';
import { type ProcessOptions, startProcess, type WeirProcess } from '@weir/kit';
import {
  connectKube,
  isNotFound,
  type KubeClient,
  type KubeObject,
  Namespace,
  type ResourceType,
} from '@weir/kube';

const FIELD_MANAGER = 'e2e';
const DEADLINE_MS = 30_000;

export interface WeirOptions {
  /** The services of each process. One process with all services unless given; an empty list starts none. */
  processes?: string[][];
  flags?: string[];
  env?: Record<string, string>;
  cluster?: ClusterOptions;
}

/** A cluster with Weir in it, a Git server, and a receiver in place of the chat services. */
export interface Weir {
  cluster: Cluster;
  /** A folder for logs and caches, which is removed after the tests. */
  dir: string;
  /** The client of the cluster's administrator. */
  client: KubeClient;
  /** The receiver in place of Slack, Feishu and other webhooks. */
  chat: Receiver;
  processes: WeirProcess[];
  /** Makes a new repository on the Git server. */
  repository(name: string, options?: { auth?: GitServerAuth }): Promise<GitServerRepository>;
  /** Adds a commit to a repository and returns its SHA-1. Files that are not named stay as they are. */
  commit(repository: string, files: Record<string, string | null>): Promise<string>;
  /** Waits until the chat has received a message that passes `check`, and returns it. */
  received(check: (message: ReceivedRequest) => boolean): Promise<ReceivedRequest>;
  /** Starts another process. Its name must be new. */
  start(services: string[], options?: Partial<ProcessOptions>): Promise<WeirProcess>;
  namespace(name: string): Promise<string>;
  apply(...objects: KubeObject[]): Promise<void>;
  find<T extends KubeObject>(
    type: ResourceType,
    namespace: string,
    name: string,
  ): Promise<T | undefined>;
  /** Waits until the object passes `check` and returns it. The error of a time-out shows the object's conditions. */
  wait<T extends KubeObject>(
    type: ResourceType,
    ref: { namespace: string; name: string },
    check: (object: T) => boolean,
    timeoutMs?: number,
  ): Promise<T>;
  /** Waits until the object no longer exists. */
  gone(type: ResourceType, ref: { namespace: string; name: string }): Promise<void>;
  /** Requests a reconcile by the annotation that `flux reconcile` sets. */
  requestReconcile(
    type: ResourceType,
    ref: { namespace: string; name: string },
    requestedAt: string,
  ): Promise<void>;
}

/**
 * Returns a stack that is disposed of after the tests of a suite, in reverse order. It has to be called in the suite
 * itself, because an `after` inside of its `before` would run as soon as that hook ends.
 */
export function stoppedAfter(): AsyncDisposableStack {
  const started = new AsyncDisposableStack();
  after(() => started.disposeAsync());
  return started;
}

/** Starts Weir and everything around it for the tests of one suite. Disposing of `started` stops it. */
export async function startWeir(
  started: AsyncDisposableStack,
  options: WeirOptions = {},
): Promise<Weir> {
  const dir = await mkdtemp(join(tmpdir(), 'weir-e2e-'));
  // With WEIR_E2E_KEEP the logs are kept, for analysing a failure.
  if (!process.env.WEIR_E2E_KEEP) {
    started.defer(() => rm(dir, { recursive: true, force: true }));
  }
  const cluster = await startCluster(options.cluster ?? {});
  started.defer(() => cluster.close());
  const [git, chat] = await Promise.all([startGitServer(), startReceiver()]);
  started.defer(async () => void (await Promise.all([git.close(), chat.close()])));
  // Feishu states in the body of its answer whether it accepted a message, Slack by the status of the response.
  chat.reply(({ path }) => ({ body: path.startsWith('/open-apis/') ? '{"code":0}' : 'ok' }));
  const client = connectKube({ kubeconfig: cluster.kubeconfig });
  started.defer(() => client.close());

  const processes: WeirProcess[] = [];
  started.defer(async () => void (await Promise.all(processes.map((process) => process.stop()))));
  const flags = ['--service-accounts', '--install-crds', ...(options.flags ?? [])];
  const start: Weir['start'] = async (services, more = {}) => {
    const name = more.name ?? `${services.join('-') || 'all'}-${processes.length}`;
    const env = { ...cluster.env, ...options.env, ...more.env };
    const process = await startProcess({
      services,
      dir,
      name,
      env,
      flags: [...flags, ...(more.flags ?? [])],
    });
    processes.push(process);
    return process;
  };
  for (const services of options.processes ?? [[]]) await start(services);
  return {
    cluster,
    dir,
    client,
    chat,
    processes,
    start,
    ...repositories(git),
    ...objects(client),
    received: (check) =>
      until(() => chat.requests().find(check), {
        timeoutMs: DEADLINE_MS,
        message: 'a message in the chat',
      }),
  };
}

function repositories(git: GitServer): Pick<Weir, 'repository' | 'commit'> {
  const made = new Map<string, GitServerRepository>();
  return {
    async repository(name, options) {
      const repository = await git.createRepository(name, options);
      made.set(name, repository);
      return repository;
    },
    async commit(name, files) {
      const repository = made.get(name);
      if (!repository) throw new Error(`no repository ${name}`);
      return repository.commit(files);
    },
  };
}

function objects(
  client: KubeClient,
): Pick<Weir, 'namespace' | 'apply' | 'find' | 'wait' | 'gone' | 'requestReconcile'> {
  const apply: Weir['apply'] = async (...list) => {
    for (const object of list) {
      const type = await client.discovery.resourceForKind(object.apiVersion, object.kind);
      await client.apply(type, object, { fieldManager: FIELD_MANAGER, force: true });
    }
  };
  const find: Weir['find'] = async (type, namespace, name) => {
    try {
      return await client.get(type, { namespace, name });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  };
  return {
    apply,
    find,
    async namespace(name) {
      await client.apply(
        Namespace,
        { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
        { fieldManager: FIELD_MANAGER },
      );
      return name;
    },
    async wait(type, { namespace, name }, check, timeoutMs = DEADLINE_MS) {
      let last: unknown = 'not there';
      const found = await until(
        async () => {
          const object = await find<Parameters<typeof check>[0]>(type, namespace, name);
          last = object && ('status' in object ? object.status : object);
          return object && check(object) && object;
        },
        { timeoutMs, message: `${type.kind}/${namespace}/${name}` },
      ).catch((error: unknown) => {
        throw new Error(`${String(error)}\n${JSON.stringify(last, null, 2)}`, { cause: error });
      });
      return found as never;
    },
    async gone(type, { namespace, name }) {
      await until(async () => (await find(type, namespace, name)) === undefined, {
        timeoutMs: DEADLINE_MS,
        message: `${type.kind}/${namespace}/${name} to be gone`,
      });
    },
    async requestReconcile(type, ref, requestedAt) {
      const annotations = { 'reconcile.fluxcd.io/requestedAt': requestedAt };
      await client.patch(type, ref, { metadata: { annotations } }, { kind: 'merge' });
    },
  };
}
