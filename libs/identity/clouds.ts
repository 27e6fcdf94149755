import type { FindAccess, TokenProvider } from './access.ts';
import type { TokenCache } from './cache.ts';
import type { CloudContext } from './context.ts';
import type { AccessToken, AwsCredentials } from './types.ts';

/** What the parts of the lib share. */
export interface Clouds {
  context: CloudContext;
  cache: TokenCache;
  access: FindAccess;
  aws: TokenProvider<AwsCredentials>;
  azure: TokenProvider<AccessToken>;
  gcp: TokenProvider<AccessToken>;
  generic: TokenProvider<AccessToken>;
}
