export { type AwsUser, checkSignature } from './aws-signature.ts';
export { type KmsServer, startKmsServer, wrap } from './server.ts';
