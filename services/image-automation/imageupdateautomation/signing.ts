// Reads the key that commits are signed with. A key that can't be used is reported before any request to the remote, as
// in Flux.
import { createHash } from 'node:crypto';
import type { ImageUpdateAutomation } from '@weir/api';
import { type BoundedMap, createBoundedMap } from '@weir/async';
import { GitError, isEncryptedKey, signSsh } from '@weir/git';
import { type KubeClient, readSecret } from '@weir/kube';
import { messageOf } from '@weir/reconcile';
import { RenderError, type RenderPool } from '@weir/render';
import { sourceFailure } from './target.ts';

/** Signs the payload of a commit, and returns the armored signature. */
export type Sign = (payload: Buffer) => Promise<string>;

export interface SigningOptions {
  client: KubeClient;
  pool: RenderPool;
  tried: TriedKeys;
  signal: AbortSignal;
}

/** Keys that were found valid, by their hashes: each is tried once before it signs anything. */
export type TriedKeys = BoundedMap<string, true>;

export function createTriedKeys(): TriedKeys {
  return createBoundedMap({ max: 1_000 });
}

/** Milliseconds for one signature: the derivation of a key from a passphrase may take long. */
const TIMEOUT_MS = 10_000;

/**
 * Reads the key of `spec.git.commit.signingKey`.
 * @returns undefined where commits aren't signed
 * @throws Failure SourceManagerFailed
 */
export async function readSigner(
  object: ImageUpdateAutomation,
  { client, pool, tried, signal }: SigningOptions,
): Promise<Sign | undefined> {
  const signing = object.spec.git?.commit.signingKey;
  if (signing === undefined) return undefined;
  const { namespace = '' } = object.metadata;
  const { name } = signing.secretRef;
  const data = await readSecret(client, { namespace, name }, { signal }).catch((cause: unknown) => {
    throw sourceFailure(`could not find signing key secret '${name}': ${messageOf(cause)}`, cause);
  });
  const sign =
    signing.type === 'ssh'
      ? sshSigner(data, name, signal)
      : openPgpSigner(data, name, { pool, tenant: namespace, signal });
  const hash = createHash('sha256').update(signing.type ?? 'gpg');
  for (const [key, value] of data) hash.update(`\0${key}\0`).update(value);
  const id = hash.digest('hex');
  if (tried.get(id) === undefined) {
    await sign(Buffer.alloc(0));
    tried.set(id, true);
  }
  return sign;
}

type Data = ReadonlyMap<string, Buffer>;

function openPgpSigner(
  data: Data,
  secret: string,
  { pool, tenant, signal }: { pool: RenderPool; tenant: string; signal: AbortSignal },
): Sign {
  const key = data.get('git.asc')?.toString();
  const passphrase = data.get('passphrase')?.toString();
  if (key === undefined) {
    throw sourceFailure(`signing key secret '${secret}' does not contain a 'git.asc' key`);
  }
  return async (payload) => {
    try {
      const request = { secret, key, passphrase, payload };
      return await pool.signOpenPgp(request, { tenant, signal, timeoutMs: TIMEOUT_MS });
    } catch (cause) {
      if (!(cause instanceof RenderError) || cause.reason !== 'SigningKeyInvalid') throw cause;
      throw sourceFailure(cause.message, cause);
    }
  };
}

function sshSigner(data: Data, secret: string, signal: AbortSignal): Sign {
  const identity = data.get('identity')?.toString();
  const passphrase = data.get('password')?.toString();
  if (identity === undefined) {
    throw sourceFailure(`signing key secret '${secret}' does not contain an 'identity' key`);
  }
  if (isEncryptedKey(identity) && !passphrase) {
    throw sourceFailure(
      `can not use passphrase protected signing key without 'password' field present in secret ${secret}`,
    );
  }
  return async (payload) => {
    try {
      return await signSsh(payload, { identity, passphrase }, { timeoutMs: TIMEOUT_MS, signal });
    } catch (cause) {
      if (!(cause instanceof GitError) || cause.reason === 'Aborted') throw cause;
      const message = `could not parse SSH signing key from secret '${secret}': ${cause.message}`;
      throw sourceFailure(message, cause);
    }
  };
}
