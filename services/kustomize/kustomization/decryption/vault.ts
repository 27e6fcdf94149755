// Gets tokens of OpenBao and Vault for a service account: by its annotations, or at the servers that the operator
// lists.

import { KmsError, type KmsOptions, vaultLogin } from '@weir/kms';
import { ConfigMap, isNotFound, type KubeObject } from '@weir/kube';
import { parse } from 'yaml';
import type { DecryptionServices } from './services.ts';
import { requireMeant, transitEngineOf } from './transit-engine.ts';

/** The entry of the ConfigMap, as in Flux: `instances` with `address` and `loginPath`. */
const ENTRY = 'config.yaml';
const MAX_BYTES = 64 * 1024;

export interface VaultAccount {
  /** The namespace of the object, in which its account is looked up. */
  namespace: string;
  serviceAccountName: string | undefined;
}

/**
 * A token of the Vault at an address, for one build; undefined where neither the account nor the operator says how to log in.
 * Rejects with a KmsError, or an IdentityError.
 */
export function vaultTokens(
  services: DecryptionServices,
  account: VaultAccount,
): (address: string, options: KmsOptions) => Promise<string | undefined> {
  const { vaultConfigMap, identities } = services;
  const listed = `${vaultConfigMap?.namespace}/${vaultConfigMap?.name}`;
  const tokens = new Map<string, Promise<string | undefined>>();
  let reading: Promise<ReadonlyMap<string, string>> | undefined;

  function listedPaths(): Promise<ReadonlyMap<string, string>> {
    reading ??= readLoginPaths(services, listed);
    return reading;
  }

  async function login(address: string, options: KmsOptions): Promise<string | undefined> {
    const { signal } = options;
    const engine = transitEngineOf(await identities.annotationsOf(account, signal));
    if (engine !== undefined) {
      const isListed = async () =>
        vaultConfigMap !== undefined && (await listedPaths()).has(address);
      await requireMeant(engine, address, isListed);
      const jwt = await tokenFor(services, account, address, signal);
      return vaultLogin({ address, ...engine, jwt }, options);
    }
    if (vaultConfigMap === undefined) return undefined;
    const loginPath = (await listedPaths()).get(address);
    if (!loginPath) {
      throw new KmsError(
        `no Vault login path configured for address '${address.slice(0, 300)}' in ConfigMap '${listed}'`,
      );
    }
    const jwt = await tokenFor(services, account, address, signal);
    return vaultLogin({ address, loginPath, role: roleOf(jwt), jwt }, options);
  }

  return (address, options) => {
    const known = tokens.get(address);
    if (known !== undefined) return known;
    const asked = login(address, options);
    tokens.set(address, asked);
    asked.catch(() => tokens.delete(address));
    return asked;
  };
}

async function readLoginPaths(
  { client, vaultConfigMap }: DecryptionServices,
  listed: string,
): Promise<ReadonlyMap<string, string>> {
  type Found = KubeObject & { data?: Record<string, string> };
  const name = vaultConfigMap ?? { name: '' };
  const { data } = await client.get<Found>(ConfigMap, name).catch((cause: unknown) => {
    const why = isNotFound(cause) ? 'it is not there' : 'it can not be read';
    throw new KmsError(`failed to get Vault ConfigMap '${listed}': ${why}`, { cause });
  });
  const text = data?.[ENTRY];
  if (text === undefined) {
    throw new KmsError(`Vault ConfigMap '${listed}' is missing the '${ENTRY}' key`);
  }
  const instances = instancesOf(text);
  if (instances === undefined) {
    const what = 'it is no map with a list of instances';
    throw new KmsError(`failed to parse '${ENTRY}' in Vault ConfigMap '${listed}': ${what}`);
  }
  return new Map(instances);
}

function instancesOf(text: string): [string, string][] | undefined {
  if (text.length > MAX_BYTES) return undefined;
  try {
    const { instances } = Object(parse(text, { maxAliasCount: 0, logLevel: 'error' }));
    if (!Array.isArray(instances)) return undefined;
    return instances.map((it) => [String(Object(it).address), String(Object(it).loginPath ?? '')]);
  } catch {
    return undefined;
  }
}

/** A token of Kubernetes whose only audience is the address, or the audiences of the account's annotation. */
async function tokenFor(
  { identities }: DecryptionServices,
  account: VaultAccount,
  address: string,
  signal: AbortSignal,
): Promise<string> {
  const subject = { provider: 'generic' as const, ...account };
  try {
    return (await identities.accessToken(subject, { audiences: [address] }, signal)).token;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new KmsError(`failed to issue Kubernetes token for Vault authentication: ${why}`, {
      cause,
    });
  }
}

/** As in Flux, the role is `<namespace>_<name>` of the account of the token. */
function roleOf(jwt: string): string {
  const claims = Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString('utf8');
  const subject = /"sub":\s*"system:serviceaccount:([a-z0-9-]+):([a-z0-9.-]+)"/.exec(claims);
  if (subject === null) {
    throw new KmsError('failed to derive Vault role for authentication: unexpected token subject');
  }
  return `${subject[1]}_${subject[2]}`;
}
