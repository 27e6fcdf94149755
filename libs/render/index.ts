export { buildDecryptor, buildEngine, buildVerifier, engineDigest } from './binary.ts';
export type { ChartOperations } from './charts.ts';
export type { CrdComparison, CrdComparisonResult, CrdOperations, CrdProblem } from './crds.ts';
export {
  createDecryption,
  type Decryption,
  type DecryptionKeys,
  type DecryptionOptions,
  type KeyFile,
  type UnwrapKey,
  type WrappedKey,
} from './decryption.ts';
export { RenderError, type RenderFailure } from './error.ts';
export type * from './helm.ts';
export type { RequestOptions } from './job.ts';
export type {
  MessageOperations,
  OpenPgpRequest,
  TemplateChange,
  TemplateImage,
  TextsRequest,
} from './messages.ts';
export { createPool, type PoolOptions, type RenderPool } from './pool.ts';
export type {
  ArtifactFile,
  BuildRequest,
  BuildResult,
  ChartDependency,
  ChartIndexRequest,
  ChartMetadata,
  ChartPacking,
  ChartPackResult,
  ChartSource,
  ChartVersionRequest,
  ChartVersionResult,
  Customization,
  EngineVersion,
  EvaluateRequest,
  Evaluation,
  ExemptionRule,
  FetchedDependency,
  HealthCheckExpression,
  IgnoreRequest,
  Image,
  MatchRequest,
  MatchResult,
  ObjectStatus,
  Patch,
  RenderedObject,
  Selector,
  SemverResult,
  Substitution,
  TextEvaluation,
} from './requests.ts';
export type { LatestTag, LatestTagRequest, TagFilter, TagOperations } from './tags.ts';
export {
  type FileIndex,
  indexPaths,
  listingDigest,
  type PathIndex,
  type PathKind,
  type Trace,
  type TraceDifference,
  traceDifference,
  traceHolds,
} from './trace.ts';
export {
  createVerifiers,
  type KeylessRequest,
  type KeylessResult,
  type NotationRequest,
  type NotationResult,
  type OldSignature,
  VERIFIER_MEMORY_BYTES,
  type Verifiers,
  type VerifiersOptions,
} from './verifiers.ts';
