export { accessKey, createRegistries, type RegistryAccess } from './clients.ts';
export { parsePublicKey } from './cosign/public-key.ts';
export { type CosignSignature, cosignSignatures } from './cosign/signatures.ts';
export { findSigner } from './cosign/verify.ts';
export { algorithmOf, type DigestAlgorithm, digestOf, isDigest } from './digest.ts';
export {
  type Credentials,
  credentialsFor,
  type PullSecret,
  type RegistryCredentials,
  readPullSecret,
} from './docker-config.ts';
export { OciError, type OciReason } from './errors.ts';
export {
  type Descriptor,
  type ImageManifest,
  type IndexManifest,
  type Manifest,
  MediaType,
  parseManifest,
  platformManifest,
} from './manifest.ts';
export { type NotationSignature, notationSignatures } from './notation.ts';
export {
  formatReference,
  formatRepository,
  isTag,
  parseReference,
  parseRepository,
  type Reference,
  type Repository,
} from './reference.ts';
export { type FetchedManifest, openRegistry, type Registry } from './registry.ts';
export type { RetryOptions } from './retry.ts';
export type { RegistryOptions } from './session.ts';
export type { SignedManifest } from './signatures.ts';
export type { PageValidator, TagLimits } from './tags.ts';
