// The reasons that conditions and events carry, spelled as Flux spells them: dashboards, alerts and
// the flux CLI match on these words. What no condition reason of Flux says has one of our own.

export const Reason = {
  // Any kind.
  Succeeded: 'Succeeded',
  Failed: 'Failed',
  Progressing: 'Progressing',
  ProgressingWithRetry: 'ProgressingWithRetry',
  Suspended: 'Suspended',
  DependencyNotReady: 'DependencyNotReady',
  AccessDenied: 'AccessDenied',
  FeatureGateDisabled: 'FeatureGateDisabled',
  InvalidCELExpression: 'InvalidCELExpression',
  InvalidPath: 'InvalidPath',
  InvalidURL: 'InvalidURL',
  InsecureConnectionsDisallowed: 'InsecureConnectionsDisallowed',
  UnsupportedConnectionType: 'UnsupportedConnectionType',
  PatchOperationFailed: 'PatchOperationFailed',

  // Sources.
  NewArtifact: 'NewArtifact',
  ArtifactUpToDate: 'ArtifactUpToDate',
  NewRevision: 'NewRevision',
  NoArtifact: 'NoArtifact',
  NoSource: 'NoSource',
  NoSourceArtifact: 'NoSourceArtifact',
  IncludeChange: 'IncludeChange',
  // Ours: what can't be included whatever the others hold.
  IncludeInvalid: 'IncludeInvalid',
  NotFound: 'NotFound',
  URLInvalid: 'URLInvalid',
  AuthenticationFailed: 'AuthenticationFailed',
  GitOperationSucceeded: 'GitOperationSucceeded',
  GitOperationFailed: 'GitOperationFailed',
  EmptyGitRepository: 'EmptyGitRepository',
  BucketOperationFailed: 'BucketOperationFailed',
  OCIArtifactPullFailed: 'OCIArtifactPullFailed',
  OCIArtifactLayerOperationFailed: 'OCIArtifactLayerOperationFailed',
  VerificationError: 'VerificationError',
  InvalidVerificationMode: 'InvalidVerificationMode',
  InvalidCommitSignature: 'InvalidCommitSignature',
  InvalidTagSignature: 'InvalidTagSignature',
  InvalidGitObject: 'InvalidGitObject',
  InvalidProviderConfiguration: 'InvalidProviderConfiguration',
  SourceIgnoreError: 'SourceIgnoreError',
  DirectoryCreationFailed: 'DirectoryCreationFailed',
  StatOperationFailed: 'StatOperationFailed',
  ReadOperationFailed: 'ReadOperationFailed',
  ArchiveOperationFailed: 'ArchiveOperationFailed',
  AcquireLockFailed: 'AcquireLockFailed',
  SymlinkUpdateFailed: 'SymlinkUpdateFailed',
  CacheOperationFailed: 'CacheOperationFailed',
  CopyFailure: 'CopyFailure',
  ArtifactVerificationFailed: 'ArtifactVerificationFailed',
  IllegalPath: 'IllegalPath',
  GarbageCollectionSucceeded: 'GarbageCollectionSucceeded',
  GarbageCollectionFailed: 'GarbageCollectionFailed',

  // Charts.
  IndexationFailed: 'IndexationFailed',
  SourceUnavailable: 'SourceUnavailable',
  NewChart: 'NewChart',
  ChartPullSucceeded: 'ChartPullSucceeded',
  ChartPackageSucceeded: 'ChartPackageSucceeded',
  InvalidChartReference: 'InvalidChartReference',
  ChartPullError: 'ChartPullError',
  ChartPackageError: 'ChartPackageError',
  MetadataPatchError: 'MetadataPatchError',
  ValuesFilesError: 'ValuesFilesError',
  DependencyBuildError: 'DependencyBuildError',
  ChartVerificationError: 'ChartVerificationError',
  Unknown: 'Unknown',

  // Kustomizations.
  ReconciliationSucceeded: 'ReconciliationSucceeded',
  ReconciliationFailed: 'ReconciliationFailed',
  ArtifactFailed: 'ArtifactFailed',
  BuildFailed: 'BuildFailed',
  PruneFailed: 'PruneFailed',
  HealthCheckFailed: 'HealthCheckFailed',
  HealthCheckCanceled: 'HealthCheckCanceled',

  // Notification.
  Initialized: 'Initialized',
  ValidationFailed: 'ValidationFailed',
  TokenNotFound: 'TokenNotFound',
  InvalidConfig: 'InvalidConfig',
  NotificationDispatchFailed: 'NotificationDispatchFailed',
  SourceFetchFailed: 'SourceFetchFailed',
  MetadataAppendFailed: 'MetadataAppendFailed',

  // Ours: a field is set whose behaviour does not exist yet.
  UnsupportedField: 'UnsupportedField',
} as const;

export type Reason = (typeof Reason)[keyof typeof Reason];
