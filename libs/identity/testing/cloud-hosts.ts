// The vendors' hosts on this machine, with a registry and a Git server behind them, and an identity that each cloud
// trusts.
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { type Clouds, startClouds } from './clouds.ts';
import { startVendorHosts, type VendorHosts } from './vendor-hosts.ts';

export const ECR = '123456789012.dkr.ecr.eu-west-1.amazonaws.com';
export const ACR = 'acme.azurecr.io';
export const CODE_COMMIT = 'git-codecommit.eu-west-1.amazonaws.com';
export const STS = 'sts.eu-west-1.amazonaws.com';

/** The identity in each cloud: a role, a tenant with an application, and an account. */
export const ROLE = 'arn:aws:iam::123456789012:role/app';
export const APPLICATION = 'tenant-1/client-1';
export const EMAIL = 'app@acme.iam.gserviceaccount.com';
const [TENANT, CLIENT] = APPLICATION.split('/');

/** The Kubernetes account of that identity, without its namespace. */
export const ACCOUNT = {
  name: 'cloud',
  annotations: {
    'eks.amazonaws.com/role-arn': ROLE,
    'azure.workload.identity/tenant-id': TENANT ?? '',
    'azure.workload.identity/client-id': CLIENT ?? '',
    'iam.gke.io/gcp-service-account': EMAIL,
  },
};

export interface CloudHosts {
  clouds: Clouds;
  hosts: VendorHosts;
  /** Gives the account of a namespace that identity in each cloud. */
  trustAccount(namespace: string): void;
  close(): Promise<void>;
}

export interface CloudHostsOptions {
  /** URL of the registry behind those of the clouds, which lets everybody in. */
  registry: string;
  /** URL of the Git server behind CodeCommit. */
  git: string;
  /** The host of Google's registry. */
  google: string;
  /** The repository of CodeCommit that the role may use: `app`. */
  repository: string;
}

/** Starts the clouds and their hosts, which this process trusts until they are closed. */
export async function startCloudHosts({
  registry,
  git,
  google,
  repository,
}: CloudHostsOptions): Promise<CloudHosts> {
  // Whose a token is this server takes from it; that Kubernetes made it is tried in libs/identity.
  const clouds = await startClouds();
  const ofRegistry = {
    target: (path: string) => `${registry}${path}`,
    lets: ({ password }: { password: string }) => clouds.whose(password) !== undefined,
  };
  const hosts = await startVendorHosts({
    [ECR]: ofRegistry,
    [google]: ofRegistry,
    [ACR]: {
      target: (path) =>
        path.startsWith('/oauth2/') ? `${clouds.registryOfAzure}${path}` : `${registry}${path}`,
      lets: (login, path) => path.startsWith('/oauth2/') || ofRegistry.lets(login),
    },
    [STS]: { target: (path) => `${clouds.endpoints['aws-sts']}${path}` },
    [CODE_COMMIT]: {
      target: (path) => `${new URL(git).origin}${path.replace('/v1/repos', '')}`,
      lets: (login) =>
        clouds.signerOf(login, `https://${CODE_COMMIT}/v1/repos/${repository}.git`) === ROLE,
    },
  });
  const trusted = getCACertificates('default');
  setDefaultCACertificates([...trusted, hosts.ca]);
  return {
    clouds,
    hosts,
    trustAccount(namespace) {
      const as = { role: ROLE, application: APPLICATION, email: EMAIL };
      clouds.trust(`system:serviceaccount:${namespace}:${ACCOUNT.name}`, as);
    },
    async close() {
      setDefaultCACertificates(trusted);
      await Promise.all([hosts.close(), clouds.close()]);
    },
  };
}
