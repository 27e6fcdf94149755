// AWS: keys for the service itself, and for accounts with an annotated role.
import type { TokenProvider } from '../access.ts';
import type { CloudContext } from '../context.ts';
import { invalidConfiguration } from '../errors.ts';
import type { AwsCredentials } from '../types.ts';
import { ownCredentials } from './own.ts';
import { checkRegion, checkStsEndpoint } from './regions.ts';
import { assumeRole, sessionNameOf } from './sts.ts';

const ROLE_KEY = 'eks.amazonaws.com/role-arn';
const ROLE = /^arn:aws[\w-]*:iam::[0-9]{1,30}:role\/.{1,200}$/;

/** The shortest lifetime that the API server gives a token. */
export const SHORTEST_SECONDS = 600;

export function awsProvider(context: CloudContext): TokenProvider<AwsCredentials> {
  return {
    lifetimeSeconds: SHORTEST_SECONDS,
    audiencesOf: async () => ['sts.amazonaws.com'],
    identityOf: ({ annotations }) => roleOf(annotations),
    async own({ region, endpoint, proxy }, signal) {
      const { AWS_REGION, AWS_DEFAULT_REGION } = context.environment;
      const found = region || AWS_REGION || AWS_DEFAULT_REGION;
      if (!found) {
        throw invalidConfiguration(
          'AWS_REGION environment variable is not set: EKS sets it for pods with a role (IRSA) or with EKS Pod Identity once they are created anew; set it by hand in other clusters',
        );
      }
      checkRegion(found);
      if (endpoint !== undefined) checkStsEndpoint(endpoint);
      return ownCredentials(context, { region: found, endpoint, proxy }, signal);
    },
    async exchange(account, { token }, { region, endpoint, proxy }, signal) {
      if (!region) {
        throw invalidConfiguration(
          'an AWS region is required for authenticating with a service account. please configure one in the object spec',
        );
      }
      checkRegion(region);
      if (endpoint !== undefined) checkStsEndpoint(endpoint);
      const roleArn = roleOf(account.annotations);
      const sessionName = sessionNameOf(account, region);
      return assumeRole(context, { token, roleArn, sessionName, region, endpoint, proxy }, signal);
    },
  };
}

/** @throws IdentityError InvalidConfiguration */
function roleOf(annotations: Readonly<Record<string, string>>): string {
  const role = annotations[ROLE_KEY] ?? '';
  if (ROLE.test(role)) return role;
  const pattern = ROLE.source.replaceAll('\\/', '/');
  throw invalidConfiguration(
    `invalid ${ROLE_KEY} annotation: '${role.slice(0, 300)}'. must match ${pattern}`,
  );
}
