// URLs of the clouds' services: the vendors' own, or those that the operator sets.
import { invalidConfiguration } from './errors.ts';

/** Services whose URL the operator may set. */
export const ENDPOINTS = [
  'aws-sts',
  'aws-ecr',
  'aws-ecr-public',
  'aws-eks',
  'aws-kms',
  'aws-metadata',
  'azure-authority',
  'azure-blob',
  'azure-key-vault',
  'azure-metadata',
  'azure-management',
  'azure-devops',
  'gcp-sts',
  'gcp-iam-credentials',
  'gcp-metadata',
  'gcp-container',
  'gcp-kms',
  'gcp-storage',
] as const;

export type EndpointName = (typeof ENDPOINTS)[number];

/** URLs by service, without a slash at the end. */
export type Endpoints = Readonly<Partial<Record<EndpointName, string>>>;

/** Variables with which the vendors' own programs are configured. */
const VARIABLES: Readonly<Partial<Record<EndpointName, string>>> = {
  'aws-sts': 'AWS_ENDPOINT_URL_STS',
  'aws-ecr': 'AWS_ENDPOINT_URL_ECR',
  'aws-ecr-public': 'AWS_ENDPOINT_URL_ECR_PUBLIC',
  'aws-eks': 'AWS_ENDPOINT_URL_EKS',
  'aws-kms': 'AWS_ENDPOINT_URL_KMS',
  'aws-metadata': 'AWS_EC2_METADATA_SERVICE_ENDPOINT',
  'azure-authority': 'AZURE_AUTHORITY_HOST',
  'azure-metadata': 'AZURE_POD_IDENTITY_AUTHORITY_HOST',
  'gcp-metadata': 'GCE_METADATA_HOST',
};

/**
 * Parses items such as `aws-sts=https://sts.example.com`, which take precedence over the environment.
 * @throws IdentityError InvalidConfiguration that names the item
 */
export function readEndpoints(items: readonly string[], environment: NodeJS.ProcessEnv): Endpoints {
  const found = new Map<EndpointName, string>();
  for (const name of ENDPOINTS) {
    const variable = VARIABLES[name];
    const value = variable === undefined ? undefined : environment[variable];
    if (variable === undefined || value === undefined || value === '') continue;
    // GCE_METADATA_HOST is a host, the others are URLs.
    found.set(name, urlOf(name === 'gcp-metadata' ? `http://${value}` : value, variable));
  }
  for (const item of items) {
    const [name = '', ...rest] = item.split('=');
    const known = ENDPOINTS.find((one) => one === name.trim());
    if (known === undefined) {
      const what = `--cloud-endpoints: '${name.slice(0, 100)}' is none of ${ENDPOINTS.join(', ')}`;
      throw invalidConfiguration(what);
    }
    found.set(known, urlOf(rest.join('=').trim(), `--cloud-endpoints: ${known}`));
  }
  return Object.fromEntries(found);
}

function urlOf(text: string, where: string): string {
  const url = URL.parse(text);
  const isPlain =
    url?.search === '' && url.hash === '' && url.username === '' && url.password === '';
  if (url === null || !isPlain || !/^https?:$/.test(url.protocol)) {
    throw invalidConfiguration(`${where}: not a URL such as https://sts.example.com`);
  }
  return url.href.replace(/\/+$/, '');
}
