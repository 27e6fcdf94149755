// Logins of the clouds' registries.
import type { Expiring } from '@weir/async';
import type { Access } from './access.ts';
import { ecrLogin } from './aws/ecr.ts';
import { ecrRegistryOf } from './aws/regions.ts';
import { checkRegistry, registryScopeOf } from './azure/cloud.ts';
import { acrLogin } from './azure/registry.ts';
import type { Clouds } from './clouds.ts';
import { invalidConfiguration, within } from './errors.ts';
import { checkGcpRegistry, gcpLogin } from './gcp/registry.ts';
import type { Login, Subject } from './types.ts';

const NO_TOKEN = 'failed to get access token for artifact registry';
const NO_LOGIN = 'failed to create artifact registry credentials';

/** The registry is checked before anybody is asked: a login is sent there. @throws IdentityError */
export async function registryLogin(
  { context, cache, access, aws, azure, gcp }: Clouds,
  subject: Subject,
  registry: string,
  signal: AbortSignal,
): Promise<Login> {
  const { provider, namespace, proxy } = subject;

  /** A login that is made of a token, and kept for itself. */
  async function madeOf<T extends Expiring>(
    find: () => Promise<Access<T>>,
    make: (token: T, stop: AbortSignal) => Promise<Login>,
  ): Promise<Login> {
    const found = await within(NO_TOKEN, find);
    const parts = ['registry', registry, ...found.parts];
    const before = cache.find<Login>(parts);
    if (before !== undefined) return before;
    const token = await within(NO_TOKEN, found.get);
    const login = (stop: AbortSignal) => within(NO_LOGIN, () => make(token, stop));
    return cache.get(parts, namespace, login, signal);
  }

  if (provider === 'aws') {
    const ecr = ecrRegistryOf(registry);
    return madeOf(
      () => access(aws, subject, { region: ecr.region }, signal),
      (credentials, stop) => ecrLogin(context, ecr, credentials, proxy, stop),
    );
  }
  if (provider === 'azure') {
    await checkRegistry(context, registry);
    const scope = await registryScopeOf(context);
    return madeOf(
      () => access(azure, subject, { scope }, signal),
      (token, stop) => acrLogin(context, registry, token, proxy, stop),
    );
  }
  if (provider === 'gcp') {
    checkGcpRegistry(registry);
    const token = async () => (await access(gcp, subject, {}, signal)).get();
    return gcpLogin(await within(NO_TOKEN, token));
  }
  throw invalidConfiguration(`provider '${provider}' has no registries`);
}
