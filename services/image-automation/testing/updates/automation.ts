// What tests of ImageUpdateAutomation make and wait for: a repository with marked images, policies that say what a test wants,
// and commits of an automation.
import { GitRepository, ImagePolicy, ImageUpdateAutomation } from '@weir/api';
import { type GitServer, type GitServerRepository, until } from '@weir/cluster';
import type { Harness, Ref } from '../harness.ts';

const WAIT_MS = 60_000;
const APPLY = { fieldManager: 'test', force: true };

export const EMAIL = 'bot@example.com';

/** A line with an image that a policy sets. */
export function marked(namespace: string, policy: string, tag: string): string {
  return `image: reg/${policy}:${tag} # {"$imagepolicy": "${namespace}:${policy}"}\n`;
}

export interface Scene {
  namespace: string;
  repository: GitServerRepository;
  /** Makes the policy choose a tag. */
  choose(policy: string, tag: string): Promise<void>;
  /** Creates an automation, or changes the given fields of its spec. */
  automate(
    name: string,
    spec?: Record<string, unknown>,
    git?: Record<string, unknown>,
  ): Promise<Ref>;
  /** Waits until a file of a branch holds a text. */
  holds(branch: string, path: string, text: string): Promise<void>;
  /** Ids of commits on a branch, oldest first. */
  log(branch: string): Promise<string[]>;
}

/** @param files of the first commit; they get the namespace of the scene */
export async function openScene(
  harness: Harness,
  server: GitServer,
  name: string,
  files: (namespace: string) => Record<string, string>,
): Promise<Scene> {
  const { client } = harness;
  const namespace = await harness.namespace();
  const repository = await server.createRepository(name);
  await repository.commit(files(namespace));
  const url = repository.url;
  await harness.apply(
    GitRepository,
    { namespace, name: 'repo' },
    { url, interval: '1h', ref: { branch: 'main' } },
  );
  return {
    namespace,
    repository,
    async choose(policy, tag) {
      const ref = { namespace, name: policy };
      const spec = {
        ...{ suspend: true, imageRepositoryRef: { name: policy } },
        policy: { semver: { range: '*' } },
      };
      await client.apply(
        ImagePolicy,
        { apiVersion: ImagePolicy.apiVersion, kind: ImagePolicy.kind, metadata: ref, spec },
        APPLY,
      );
      const body = { status: { latestRef: { name: `reg/${policy}`, tag } } };
      await client.patch(ImagePolicy, ref, body, { kind: 'merge', subresource: 'status' });
    },
    async automate(automation, spec = {}, git = {}) {
      const ref = { namespace, name: automation };
      await harness.apply(ImageUpdateAutomation, ref, {
        ...{ interval: '1h', sourceRef: { kind: 'GitRepository', name: 'repo' } },
        git: { commit: { author: { name: 'Bot', email: EMAIL } }, ...git },
        ...spec,
      });
      return ref;
    },
    async holds(branch, path, text) {
      await until(
        async () => {
          const found = await repository.git('show', `${branch}:${path}`);
          if (found.includes(text)) return true;
          throw new Error(found);
        },
        { timeoutMs: WAIT_MS, message: `${branch}:${path} to hold ${text}` },
      );
    },
    log: async (branch) => (await repository.git('rev-list', '--reverse', branch)).split('\n'),
  };
}

/** Waits for the end of a run that was asked for, so that what didn't happen by then doesn't happen. */
export async function runOnce(harness: Harness, ref: Ref): Promise<ImageUpdateAutomation> {
  const token = await harness.request(ImageUpdateAutomation, ref);
  return harness.handled<ImageUpdateAutomation>(ImageUpdateAutomation, ref, token);
}
