// Reads the keys of `spec.decryption`, and the credentials for key management services.
import { type Kustomization, Reason } from '@weir/api';
import { isNotFound, readSecret, type SecretData } from '@weir/kube';
import { Failure, messageOf } from '@weir/reconcile';
import type { DecryptionKeys, KeyFile } from '@weir/render';
import type { Environment } from '../environment.ts';
import { type CloudKeys, NO_CLOUD_KEYS, readCloudKeys } from './cloud-keys.ts';
import type { VaultAccount } from './vault.ts';

export interface Credentials {
  keys: DecryptionKeys;
  /** For transit engines of OpenBao and Vault. */
  vaultToken: string | undefined;
  clouds: CloudKeys;
  /** The service account whose identity is used for services without credentials in the Secret. */
  account: VaultAccount;
}

/** The suffixes and names of the Secret's entries, as in Flux. */
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
  const { secretRef, serviceAccountName } = spec.decryption;
  const { namespace = '' } = metadata;
  const account = { namespace, serviceAccountName };
  if (secretRef !== undefined) {
    const ref = { namespace, name: secretRef.name };
    const origin = originOf('decryption Secret', ref);
    const data = await read(client, ref, origin);
    return {
      keys: { origin, age: keyFiles(data, AGE), pgp: keyFiles(data, PGP) },
      vaultToken: data.get(VAULT_TOKEN)?.toString().trim() || undefined,
      clouds: cloudKeys(data, origin),
      account,
    };
  }
  const none = { vaultToken: undefined, clouds: NO_CLOUD_KEYS, account };
  const { sopsAgeSecret } = settings;
  if (sopsAgeSecret === '') return { ...none, keys: { origin: '', age: [], pgp: [] } };
  const ref = { namespace: runtimeNamespace, name: sopsAgeSecret };
  const origin = originOf('SOPS age decryption Secret', ref);
  const data = await read(client, ref, origin);
  return { ...none, keys: { origin, age: keyFiles(data, AGE), pgp: [] } };
}

function cloudKeys(data: SecretData, origin: string): CloudKeys {
  try {
    return readCloudKeys(data);
  } catch (cause) {
    const [, entry, why] = /^('[^']+'): (.*)$/s.exec(messageOf(cause)) ?? [];
    const message = `failed to import ${entry} data from ${origin}: ${why}`;
    throw new Failure(Reason.BuildFailed, message, { cause });
  }
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

/** Sorted by name, so that the same Secret always gives the same list. */
function keyFiles(data: SecretData, extension: string): KeyFile[] {
  return [...data]
    .filter(([name]) => name.endsWith(extension))
    .map(([name, value]) => ({ name, text: value.toString() }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
