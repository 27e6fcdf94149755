// Reads the kubeconfig in a Secret.
import { hash } from 'node:crypto';
import {
  type ClusterAccess,
  type InlineRules,
  type KubeClient,
  KubeconfigError,
  type KubeObject,
  readInlineKubeconfig,
  Secret,
  type TokenSource,
} from '@weir/kube';
import { ClusterError, messageOf } from './errors.ts';
import type { Reference } from './reference.ts';

/** How to reach an object's cluster. */
export interface Source {
  access: ClusterAccess;
  /** Returns tokens, in place of the credentials of `access`. */
  token?: TokenSource;
  /** Represents everything that decides about the cluster and the identity used there. */
  digest: string;
  /** The version of the Secret or ConfigMap. */
  resourceVersion: string | undefined;
}

/** Messages about a Secret. Each of Flux's controllers has its own, which users search for. */
export interface SecretWords {
  unread(name: string, why: string): string;
  /** `keys`: those that were tried. */
  lacks(name: string, keys: readonly string[]): string;
  invalid(name: string, why: string): string;
}

const KEYS = ['value', 'value.yaml'];

/** Throws ClusterError, whose cause is the API server's error if the Secret can't be read. */
export async function readSecretSource(
  client: KubeClient,
  { namespace, name, key }: Reference,
  { rules, words, signal }: { rules: InlineRules; words: SecretWords; signal: AbortSignal },
): Promise<Source> {
  const title = `${namespace}/${name}`;
  const secret = await client
    .get<KubeObject & { data?: Record<string, string> }>(Secret, { namespace, name }, { signal })
    .catch((cause: unknown) => {
      signal.throwIfAborted();
      throw new ClusterError(words.unread(title, messageOf(cause)), { cause });
    });
  const { resourceVersion } = secret.metadata;
  const fail = (message: string, cause?: unknown) =>
    new ClusterError(message, { cause, resourceVersion });
  const keys = key === undefined ? KEYS : [key];
  const entry = keys.map((it) => secret.data?.[it]).find((it) => it !== undefined);
  if (entry === undefined) throw fail(words.lacks(title, keys));
  try {
    const access = readInlineKubeconfig(Buffer.from(entry, 'base64').toString('utf8'), rules);
    return { access, digest: hash('sha256', JSON.stringify(access), 'base64'), resourceVersion };
  } catch (cause) {
    if (!(cause instanceof KubeconfigError)) throw cause;
    throw fail(words.invalid(title, cause.message), cause);
  }
}
