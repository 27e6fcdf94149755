export { assertionOf } from './assertion.ts';
export { type AzureKey, azureToken, managedIdentityToken } from './azure.ts';
export { TokenError } from './errors.ts';
export { type GoogleKey, googleAssertion, googleToken, parseGoogleKey } from './google.ts';
export {
  type AccessToken,
  createTokenCache,
  keepToken,
  type TokenCache,
  type TokenRequest,
  type TokenSource,
} from './token.ts';
