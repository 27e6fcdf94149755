// The source service on a platform of its own, with a Git server, and what a test asks of them.
import { GitRepository, type GitRepositorySpec, RECONCILE_REQUEST } from '@weir/api';
import { type ArtifactReading, readArtifacts } from '@weir/artifact';
import { type GitServer, startGitServer } from '@weir/cluster';
import { type ServiceHarness, startServiceHarness } from '@weir/kit';
import { Secret } from '@weir/kube';
import { service } from '../main.ts';

export interface Harness extends Omit<ServiceHarness, 'ready'> {
  git: GitServer;
  /** The announcements of artifacts that were received over NATS so far. */
  artifacts: ArtifactReading[];
  /** Creates the object, or changes the given fields of its spec. */
  apply(namespace: string, name: string, spec: Partial<GitRepositorySpec>): Promise<GitRepository>;
  read(namespace: string, name: string): Promise<GitRepository>;
  /** Asks for a reconciliation and returns its token. */
  request(namespace: string, name: string): Promise<string>;
  /** Waits until Ready has this status and a message that matches, for the present generation. */
  ready(
    namespace: string,
    name: string,
    status: 'True' | 'False' | 'Unknown',
    message?: RegExp,
  ): Promise<GitRepository>;
  /** Creates the Secret, or replaces the given keys in it. */
  secret(namespace: string, name: string, data: Record<string, string>): Promise<void>;
}

const APPLY = { fieldManager: 'test', force: true };

/** @param traces URL of an OTLP collector that gets the service's spans */
export async function startHarness(
  flags: Record<string, string> = {},
  traces?: string,
): Promise<Harness> {
  const harness = await startServiceHarness({
    service,
    flags: {
      'artifact-port': '0',
      'allow-local-addresses': 'true',
      'lease-duration': '2s',
      ...flags,
    },
    traces,
  });
  try {
    return await forGitRepositories(harness);
  } catch (error) {
    await harness.close();
    throw error;
  }
}

async function forGitRepositories(harness: ServiceHarness): Promise<Harness> {
  const { bus, client, stack } = harness;
  const git = await startGitServer();
  stack.defer(() => git.close());
  const artifacts: ArtifactReading[] = [];
  const stop = new AbortController();
  const reading = (async () => {
    for await (const read of readArtifacts(bus, { signal: stop.signal })) artifacts.push(read);
  })();
  stack.defer(async () => {
    stop.abort();
    await reading;
  });
  let requests = 0;

  return {
    ...harness,
    git,
    artifacts,
    apply(namespace, name, spec) {
      const object = {
        apiVersion: GitRepository.apiVersion,
        kind: GitRepository.kind,
        metadata: { namespace, name },
        spec: { interval: '1h', ref: { branch: 'main' }, ...spec },
      };
      return client.apply<GitRepository>(GitRepository, object, APPLY);
    },
    read: (namespace, name) => client.get<GitRepository>(GitRepository, { namespace, name }),
    async request(namespace, name) {
      const token = `request-${++requests}`;
      const body = { metadata: { annotations: { [RECONCILE_REQUEST]: token } } };
      await client.patch(GitRepository, { namespace, name }, body, { kind: 'merge' });
      return token;
    },
    ready: (namespace, name, status, message = /.*/) =>
      harness.ready(GitRepository, { namespace, name }, { status, message, current: true }),
    async secret(namespace, name, data) {
      const metadata = { namespace, name };
      await client.apply(
        Secret,
        { apiVersion: 'v1', kind: 'Secret', metadata, stringData: data },
        APPLY,
      );
    },
  };
}
