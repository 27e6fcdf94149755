// Keeps clients for each set of credentials, so that objects with equal ones share connections and tokens.
import { createHash } from 'node:crypto';
import { createBoundedMap } from '@weir/async';
import { openRegistry, type Registry } from './registry.ts';
import type { RegistryOptions } from './session.ts';

/** A registry, with the credentials for it. */
export type RegistryAccess = Pick<
  RegistryOptions,
  'registry' | 'credentials' | 'tls' | 'proxy' | 'insecure' | 'checkCertificate'
>;

/** Represents registry and access: objects with equal keys may share connections and tokens. It reveals no secret. */
export function accessKey(access: RegistryAccess): string {
  return createHash('sha256').update(JSON.stringify(access)).digest('hex');
}

/** Clients that are kept. The connections of one that is dropped close when they are idle. */
const KEPT = 500;

/**
 * Opens clients, each once for its key.
 * @param options the same for all of them
 * @returns a function that throws OciError InvalidConfiguration for what is no certificate or key
 */
export function createRegistries(
  options: Pick<RegistryOptions, 'allowLocal' | 'environment'>,
): (access: RegistryAccess, key: string) => Registry {
  const registries = createBoundedMap<string, Registry>({ max: KEPT });
  return (access, key) => {
    const opened = registries.get(key) ?? openRegistry({ ...access, ...options });
    registries.set(key, opened);
    return opened;
  };
}
