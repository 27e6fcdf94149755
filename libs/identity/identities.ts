// Identities of a service, or of the accounts of objects, in a cloud, and the logins with them: for registries, Git
// servers, clusters.
import { readFile } from 'node:fs/promises';
import { accountOf, createAccess } from './access.ts';
import type { AccountClient } from './account.ts';
import { awsProvider } from './aws/provider.ts';
import { azureProvider } from './azure/provider.ts';
import { type CacheOptions, createTokenCache } from './cache.ts';
import type { Clouds } from './clouds.ts';
import type { CloudContext } from './context.ts';
import type { Endpoints } from './endpoints.ts';
import { invalidConfiguration } from './errors.ts';
import { gcpProvider } from './gcp/provider.ts';
import { genericProvider } from './generic.ts';
import { gitLogin } from './git.ts';
import { createNetwork, type NetworkOptions } from './net.ts';
import { registryLogin } from './registries.ts';
import { restConfig } from './rest-config.ts';
import type {
  AccessToken,
  AwsCredentials,
  ClusterReference,
  GitLogin,
  Login,
  RestConfig,
  Subject,
} from './types.ts';

/**
 * All calls reject with an IdentityError, or with the signal's reason. Tokens are cached and renewed in time: call
 * again for each use.
 */
export interface Identities {
  /** The gate ObjectLevelWorkloadIdentity: without it an account that is named is a failure. */
  readonly objectLevel: boolean;
  /** A login of a registry of AWS, Azure or Google Cloud. @param registry host, and port if any */
  registryLogin(subject: Subject, registry: string, signal: AbortSignal): Promise<Login>;
  /** A login of AWS CodeCommit or Azure DevOps. */
  gitLogin(subject: Subject, url: string, signal: AbortSignal): Promise<GitLogin>;
  /**
   * An access token of Azure (for a scope) or Google Cloud; of Kubernetes for an account with the provider `generic`.
   * @param wanted.audiences of `generic`: who takes it where the account's annotations don't say, the API server without any
   */
  accessToken(
    subject: Subject,
    wanted: { scope?: string | undefined; audiences?: readonly string[] | undefined },
    signal: AbortSignal,
  ): Promise<AccessToken>;
  /**
   * Keys of AWS.
   * @param wanted.region of what they are for; the service's own keys may be asked for without it where AWS_REGION is set
   * @param wanted.stsEndpoint URL of the token service, where an object names one: one of AWS's
   */
  awsCredentials(
    subject: Subject,
    wanted: { region?: string | undefined; stsEndpoint?: string | undefined },
    signal: AbortSignal,
  ): Promise<AwsCredentials>;
  /** The annotations of the account that counts for a subject; undefined for the service's own identity. */
  annotationsOf(
    subject: Pick<Subject, 'namespace' | 'serviceAccountName'>,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, string>> | undefined>;
  /** How a cluster is reached, by its name in the cloud. */
  restConfig(subject: Subject, cluster: ClusterReference, signal: AbortSignal): Promise<RestConfig>;
  close(): void;
}

export interface IdentitiesOptions {
  client: AccountClient;
  objectLevel: boolean;
  /** The account that counts in an object's namespace where the object names none; the service's own identity without it. */
  defaultServiceAccount?: string | undefined;
  endpoints: Endpoints;
  allowLocal: boolean;
  /** Variables of the process: who it is in a cloud, and the proxies of the operator. */
  environment: NodeJS.ProcessEnv;
  cache: CacheOptions;
  /** Times, for tests. */
  network?: Pick<NetworkOptions, 'firstPauseMs' | 'attemptMs'>;
  /** Milliseconds since 1970. */
  now?: () => number;
}

/** Opens no connection and loads nothing of a vendor before it is asked. */
export function createIdentities(options: IdentitiesOptions): Identities {
  const { client, objectLevel, defaultServiceAccount, endpoints, allowLocal, environment } =
    options;
  const { now = Date.now } = options;
  const network = createNetwork({ allowLocal, environment, ...options.network });
  const cache = createTokenCache(options.cache, now);
  const context: CloudContext = {
    ...{ network, endpoints, environment, client, now },
    readFile: (path) => readFile(path, 'utf8'),
  };
  const clouds: Clouds = {
    ...{ context, cache },
    access: createAccess({ client, objectLevel, defaultServiceAccount, cache }),
    aws: awsProvider(context),
    azure: azureProvider(context),
    gcp: gcpProvider(context),
    generic: genericProvider(context),
  };
  return {
    objectLevel,
    registryLogin: (subject, registry, signal) => registryLogin(clouds, subject, registry, signal),
    gitLogin: (subject, url, signal) => gitLogin(clouds, subject, url, signal),
    async accessToken(subject, wanted, signal) {
      const { provider } = subject;
      if (provider === 'aws') throw invalidConfiguration('AWS has keys, and no access tokens');
      return (await clouds.access(clouds[provider], subject, wanted, signal)).get();
    },
    async awsCredentials(subject, { region, stsEndpoint: endpoint }, signal) {
      return (await clouds.access(clouds.aws, subject, { region, endpoint }, signal)).get();
    },
    annotationsOf: async (subject, signal) =>
      (await accountOf({ client, objectLevel, defaultServiceAccount }, subject, signal))
        ?.annotations,
    restConfig: (subject, cluster, signal) => restConfig(clouds, subject, cluster, signal),
    close() {
      cache.close();
      network.close();
    },
  };
}
