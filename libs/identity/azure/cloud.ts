// The cloud of Azure: the public one, China's, the US government's, or one that a file of the operator describes.
import { parse } from '../answers.ts';
import { type CloudContext, endpointOf } from '../context.ts';
import { invalidConfiguration } from '../errors.ts';

/** Of Flux's pkg/auth/azure/scopes.go and the vendor's documentation. */
export const AZURE_SCOPES = {
  devOps: '499b84ac-1321-427f-aa17-267ca6975798/.default',
  blobStorage: 'https://storage.azure.com/.default',
  eventHubs: 'https://eventhubs.azure.net//.default',
  kubernetes: '6dae42f8-4368-4678-94ff-3960e28e3630/.default',
} as const;

const REGISTRY_SCOPE = 'https://containerregistry.azure.net/.default';

/** What AZURE_ENVIRONMENT_FILEPATH names says, in the form that Azure's cloud provider for Kubernetes has. */
interface CloudFile {
  registrySuffix: string | undefined;
  managementUrl: string;
  audience: string;
}

export interface Management {
  url: string;
  scope: string;
}

/** https://github.com/Azure/azure-sdk-for-go/blob/main/sdk/azcore/cloud/doc.go */
const PUBLIC = {
  url: 'https://management.azure.com',
  audience: 'https://management.core.windows.net/',
};
const CHINA = {
  url: 'https://management.chinacloudapi.cn',
  audience: 'https://management.core.chinacloudapi.cn',
};
const GOVERNMENT = {
  url: 'https://management.usgovcloudapi.net',
  audience: 'https://management.core.usgovcloudapi.net',
};

/** @throws IdentityError InvalidConfiguration */
export async function managementOf(context: CloudContext): Promise<Management> {
  const file = await readCloudFile(context);
  const host = endpointOf(context, 'azure-authority', '');
  const known = host.includes('chinacloudapi.cn')
    ? CHINA
    : host.includes('microsoftonline.us')
      ? GOVERNMENT
      : PUBLIC;
  const url = endpointOf(context, 'azure-management', file?.managementUrl ?? known.url);
  return { url: url.replace(/\/+$/, ''), scope: `${file?.audience ?? known.audience}/.default` };
}

/** The scope of tokens for registries. @throws IdentityError InvalidConfiguration */
export async function registryScopeOf(context: CloudContext): Promise<string> {
  const file = await readCloudFile(context);
  return file === undefined ? REGISTRY_SCOPE : `${file.managementUrl}/.default`;
}

const REGISTRY_PATTERN = '^.+\\.(azurecr\\.io|azurecr\\.cn|azurecr\\.de|azurecr\\.us)$';
const REGISTRY = /^(?:[a-z0-9-]+\.)+azurecr\.(?:io|cn|de|us)$/;
const HOST = /^[a-z0-9-]+(\.[a-z0-9-]+)*(:\d{1,5})?$/;

/**
 * Checks that a host is a registry of Azure: a token for registries is sent there.
 * @throws IdentityError InvalidConfiguration
 */
export async function checkRegistry(context: CloudContext, host: string): Promise<void> {
  if (REGISTRY.test(host)) return;
  const shown = host.slice(0, 300);
  const file = await readCloudFile(context);
  if (file === undefined) {
    const what = `invalid Azure registry: '${shown}'. must match ${REGISTRY_PATTERN}`;
    throw invalidConfiguration(what);
  }
  const { registrySuffix: suffix } = file;
  if (suffix === undefined) {
    throw invalidConfiguration(
      'failed to get container registry suffix from environment file: containerRegistryDNSSuffix must be set in the environment file',
    );
  }
  // Unlike in Flux, the suffix begins with a dot, so that nobody else can have a name with that end.
  const dotted = suffix.startsWith('.') ? suffix : `.${suffix}`;
  if (HOST.test(host) && (host.endsWith(dotted) || host === suffix)) return;
  throw invalidConfiguration(`invalid Azure registry: '${shown}'. must end with ${suffix}`);
}

async function readCloudFile({
  environment,
  readFile,
}: CloudContext): Promise<CloudFile | undefined> {
  const path = environment.AZURE_ENVIRONMENT_FILEPATH;
  if (path === undefined || path === '') return undefined;
  const text = await readFile(path).catch((cause: unknown) => {
    throw invalidConfiguration("the file of AZURE_ENVIRONMENT_FILEPATH can't be read", cause);
  });
  const file = parse(text) ?? {};
  const field = (name: string) => {
    const value = file[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const [managementUrl, audience] = [field('resourceManagerEndpoint'), field('tokenAudience')];
  if (managementUrl === undefined || audience === undefined) {
    const what = 'resourceManagerEndpoint and tokenAudience must be set in the environment file';
    throw invalidConfiguration(what);
  }
  return { managementUrl, audience, registrySuffix: field('containerRegistryDNSSuffix') };
}
