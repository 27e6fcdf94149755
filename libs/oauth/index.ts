export { type AzureKey, azureToken, managedIdentityToken } from './azure.ts';
export { TokenError } from './errors.ts';
export { type GoogleKey, googleToken, parseGoogleKey } from './google.ts';
export { type AccessToken, keepToken, type TokenRequest, type TokenSource } from './token.ts';
