// AWS hosts by region, and the regions of registries, repositories and clusters.
import { awsHost } from '@weir/net/aws-hosts';
import { invalidConfiguration } from '../errors.ts';

/** The URL of a service in a region. @throws IdentityError InvalidConfiguration for what is no region */
export function regionalUrl(service: string, region: string): string {
  checkRegion(region);
  return `https://${awsHost(service, region)}`;
}

/**
 * Checks a region, because it becomes part of a host and may come from the author of an object.
 * @throws IdentityError InvalidConfiguration
 */
export function checkRegion(region: string): void {
  if (!/^[a-z0-9]+(-[a-z0-9]+){1,5}$/.test(region) || region.length > 40) {
    throw invalidConfiguration(`'${region.slice(0, 100)}' is no region of AWS`);
  }
}

export const PUBLIC_REGISTRY = 'public.ecr.aws';

/** The pattern in Flux's message. Weir's own check is stricter: the whole host has to be one of AWS. */
const REGISTRY_PATTERN =
  '([0-9+]*).dkr[.-]ecr(?:-fips)?\\.([^/.]*)\\.(amazonaws\\.com[.cn]*|amazonaws\\.eu|sc2s\\.sgov\\.gov|c2s\\.ic\\.gov|cloud\\.adc-e\\.uk|csp\\.hci\\.ic\\.gov|on\\.aws)';
const REGISTRY =
  /^[0-9]{1,20}\.dkr[.-]ecr(-fips)?\.([a-z0-9-]{1,40})\.(amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu|sc2s\.sgov\.gov|c2s\.ic\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov|on\.aws)$/;

export interface EcrRegistry {
  region: string;
  isPublic: boolean;
}

/**
 * The AWS registry of a host. Without the check of the whole host, another host could get the login of all registries
 * of an account.
 * @throws IdentityError InvalidConfiguration
 */
export function ecrRegistryOf(host: string): EcrRegistry {
  // The API of the public registry is in one region (https://docs.aws.amazon.com/AmazonECR/latest/public/public-registry-auth.html).
  if (host === PUBLIC_REGISTRY) return { region: 'us-east-1', isPublic: true };
  const region = REGISTRY.exec(host)?.[2];
  if (region === undefined) {
    const shown = host.slice(0, 300);
    throw invalidConfiguration(`invalid AWS registry: '${shown}'. must match ${REGISTRY_PATTERN}`);
  }
  return { region, isPublic: false };
}

/** The region of a repository of CodeCommit. @throws IdentityError InvalidConfiguration */
export function codeCommitRegionOf(url: URL): string {
  if (url.protocol !== 'https:') {
    throw invalidConfiguration('AWS CodeCommit authentication requires an HTTPS Git URL');
  }
  const host =
    /^git-codecommit(?:-fips)?\.([a-z0-9-]{1,40})\.(?:amazonaws\.com|amazonaws\.com\.cn)$/;
  const region = host.exec(url.host)?.[1];
  if (region === undefined) {
    throw invalidConfiguration(`invalid AWS CodeCommit Git URL: ${url.host.slice(0, 300)}`);
  }
  return region;
}

const CLUSTER = /^arn:aws[\w-]*:eks:([^:]{1,100}):[0-9]{1,30}:cluster\/([A-Za-z0-9_-]{1,200})$/;

/** @throws IdentityError InvalidConfiguration */
export function eksClusterOf(arn: string): { region: string; name: string } {
  const [, region, name] = CLUSTER.exec(arn) ?? [];
  if (region === undefined || name === undefined) {
    const pattern = '^arn:aws[\\w-]*:eks:([^:]{1,100}):[0-9]{1,30}:cluster/(.{1,200})$';
    throw invalidConfiguration(
      `invalid EKS cluster ARN: '${arn.slice(0, 300)}'. must match ${pattern}`,
    );
  }
  checkRegion(region);
  return { region, name };
}

const STS_PATTERN = '^https://(.+\\.)?sts(-fips)?(\\.[^.]+)?(\\.vpce)?\\.amazonaws\\.com$';
const STS = /^https:\/\/([a-z0-9.-]+\.)?sts(-fips)?(\.[a-z0-9-]+)?(\.vpce)?\.amazonaws\.com$/;

/**
 * Checks an STS endpoint that an object names, because it gets the token of an account.
 * @throws IdentityError InvalidConfiguration
 */
export function checkStsEndpoint(endpoint: string): void {
  if (STS.test(endpoint)) return;
  const shown = endpoint.slice(0, 300);
  throw invalidConfiguration(`invalid STS endpoint: '${shown}'. must match ${STS_PATTERN}`);
}
