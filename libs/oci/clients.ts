// Clients that are kept for each holder of credentials, so that objects alike share connections and tokens.
import { createHash } from 'node:crypto';
import { createBoundedMap } from '@weir/async';
import { openRegistry, type Registry } from './registry.ts';
import type { RegistryOptions } from './session.ts';

/** A registry, and as whom to speak to it. */
export type RegistryAccess = Pick<
  RegistryOptions,
  'registry' | 'credentials' | 'tls' | 'proxy' | 'insecure' | 'checkCertificate'
>;

/** Stands for registry and access: equal keys may share connections and tokens. It gives no secret away. */
export function accessKey(access: RegistryAccess): string {
  return createHash('sha256').update(JSON.stringify(access)).digest('hex');
}

/** Clients that are kept; the connections of one that is dropped close when they are idle. */
const KEPT = 500;

/**
 * Opens clients, each once for its key.
 * @param options what is the same for all of them
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
