export { assertionOf } from './assertion.ts';
export { type AzureKey, azureToken, managedIdentityToken } from './azure.ts';
export { TokenError } from './errors.ts';
export { type GoogleKey, googleAssertion, googleToken, parseGoogleKey } from './google.ts';
export { type AccessToken, keepToken, type TokenRequest, type TokenSource } from './token.ts';
