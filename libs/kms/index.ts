export type { AwsKeys } from '@weir/net/aws-signature';
export type { KmsOptions } from './ask.ts';
export { type AwsKey, type AwsOptions, awsDecrypt } from './aws/decrypt.ts';
export { awsKeyRegion } from './aws/region.ts';
export { awsAssumeRole } from './aws/role.ts';
export { type AzureVaultKey, azureDecrypt, azureVaultScope } from './azure.ts';
export { KmsError } from './errors.ts';
export { GCP_KMS_SCOPE, gcpDecrypt } from './gcp.ts';
export { type VaultKey, vaultDecrypt, vaultLogin } from './vault.ts';
