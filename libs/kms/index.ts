export { KmsError } from './errors.ts';
export { type VaultKey, type VaultOptions, vaultDecrypt, vaultLogin } from './vault.ts';
