import type { CacheRecorder } from '@weir/async';
import { createIdentities, type Identities, IdentityError, identityOptions } from '@weir/identity';
import type { KubeClient } from '@weir/kube';
import { isGateOn } from './feature-gates.ts';
import { type Settings, SettingsError } from './settings.ts';

export interface IdentityParts {
  client: KubeClient;
  settings: Settings;
  /** Counts tokens, if there are metrics: see `cacheRecorder`. */
  tokens?: CacheRecorder | undefined;
}

/**
 * Identities of a service, and of objects' accounts, in clouds, according to the common flags. The caller closes it.
 * @param defaultFlag the flag with the account for objects that name none
 * @throws SettingsError
 */
export function openIdentities(
  { client, settings, tokens }: IdentityParts,
  defaultFlag = 'default-service-account',
): Identities {
  return createIdentities({
    client,
    objectLevel: isGateOn(settings.list('feature-gates'), 'ObjectLevelWorkloadIdentity'),
    defaultServiceAccount: settings.get(defaultFlag) || undefined,
    ...withRecorder(optionsOf(settings), tokens),
  });
}

function withRecorder(
  options: ReturnType<typeof identityOptions>,
  recorder: CacheRecorder | undefined,
): ReturnType<typeof identityOptions> {
  return { ...options, cache: { ...options.cache, recorder } };
}

function optionsOf(settings: Settings): ReturnType<typeof identityOptions> {
  try {
    return identityOptions(settings);
  } catch (cause) {
    if (!(cause instanceof IdentityError)) throw cause;
    throw new SettingsError(cause.message, { cause });
  }
}
