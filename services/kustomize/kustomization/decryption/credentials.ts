// The keys of `spec.decryption`, and what key management services are asked with.
import { type Kustomization, Reason } from '@weir/api';
import { isNotFound, readSecret, type SecretData } from '@weir/kube';
import { Failure } from '@weir/reconcile';
import type { DecryptionKeys, KeyFile } from '@weir/render';
import type { Environment } from '../environment.ts';

export interface Credentials {
  keys: DecryptionKeys;
  /** For transit engines of OpenBao and Vault. */
  vaultToken: string | undefined;
}

/** Entries of the Secret by their names, which are Flux's. */
const AGE = '.agekey';
const PGP = '.asc';
const VAULT_TOKEN = 'sops.vault-token';

/**
 * Reads the Secret that the object names, or the operator's age keys (`--sops-age-secret`). Undefined without
 * `spec.decryption`. Fails with BuildFailed.
 */
export async function readCredentials(
  { client, settings, runtimeNamespace }: Environment,
  { metadata, spec }: Kustomization,
): Promise<Credentials | undefined> {
  if (spec.decryption === undefined) return undefined;
  const { secretRef } = spec.decryption;
  if (secretRef !== undefined) {
    const ref = { namespace: metadata.namespace ?? '', name: secretRef.name };
    const origin = originOf('decryption Secret', ref);
    const data = await read(client, ref, origin);
    const keys = { origin, age: keyFiles(data, AGE), pgp: keyFiles(data, PGP) };
    return { keys, vaultToken: data.get(VAULT_TOKEN)?.toString().trim() };
  }
  const none = { keys: { origin: '', age: [], pgp: [] }, vaultToken: undefined };
  if (settings.sopsAgeSecret === '') return none;
  const ref = { namespace: runtimeNamespace, name: settings.sopsAgeSecret };
  const origin = originOf('SOPS age decryption Secret', ref);
  const data = await read(client, ref, origin);
  return { ...none, keys: { origin, age: keyFiles(data, AGE), pgp: [] } };
}

interface SecretName {
  namespace: string;
  name: string;
}

function originOf(what: string, { namespace, name }: SecretName): string {
  return `sops ${what} '${namespace}/${name}'`;
}

async function read(
  client: Environment['client'],
  ref: SecretName,
  origin: string,
): Promise<SecretData> {
  try {
    return await readSecret(client, ref);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = isNotFound(cause) ? why : `cannot get ${origin}: ${why}`;
    throw new Failure(Reason.BuildFailed, message, { cause });
  }
}

/** By name, so that the same Secret always gives the same. */
function keyFiles(data: SecretData, extension: string): KeyFile[] {
  return [...data]
    .filter(([name]) => name.endsWith(extension))
    .map(([name, value]) => ({ name, text: value.toString() }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
