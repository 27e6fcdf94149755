// Weir as processes in a cluster, with what it fetches from and what it sends alerts to: for the end-to-end tests.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
import { connectKube, type KubeClient } from '@weir/kube';
import { type ObjectHelpers, objectHelpers } from './objects.ts';
import { type ProcessOptions, startProcess, type WeirProcess } from './processes.ts';

const DEADLINE_MS = 30_000;

export interface WeirOptions {
  /** The services of each process. One process with all services unless given; an empty list starts none. */
  processes?: string[][];
  flags?: string[];
  env?: Record<string, string>;
  cluster?: ClusterOptions;
  /** Whether to keep the logs; by default only when WEIR_E2E_KEEP is set. */
  keep?: boolean;
}

/** A cluster with Weir in it, a Git server, and a receiver in place of the chat services. */
export interface Weir extends ObjectHelpers {
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
  /** Waits until the notification service knows so many Alerts: one that it has yet to read gets no event. */
  knowsAlerts(count: number): Promise<void>;
  /** Starts another process. Its name must be new. */
  start(services: string[], options?: Partial<ProcessOptions>): Promise<WeirProcess>;
}

/** Starts Weir and everything around it for the tests of one suite. Disposing of `started` stops it. */
export async function startWeir(
  started: AsyncDisposableStack,
  options: WeirOptions = {},
): Promise<Weir> {
  const dir = await mkdtemp(join(tmpdir(), 'weir-e2e-'));
  const { keep = Boolean(process.env.WEIR_E2E_KEEP) } = options;
  if (!keep) {
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
      ...(more.diskBytes === undefined ? {} : { diskBytes: more.diskBytes }),
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
    ...objectHelpers(client),
    knowsAlerts: async (count) => {
      const line = new RegExp(`^weir_notification_objects{[^}]*kind="Alert"[^}]*} ${count}$`, 'm');
      const isKnown = async () => line.test((await Promise.all(processes.map(metricsOf))).join());
      await until(isKnown, { timeoutMs: DEADLINE_MS, message: `${count} alerts to be known` });
    },
    received: (check) =>
      until(() => chat.requests().find(check), {
        timeoutMs: DEADLINE_MS,
        message: 'a message in the chat',
      }),
  };
}

async function metricsOf({ health }: WeirProcess): Promise<string> {
  return (await fetch(`${health}/metrics`)).text();
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
