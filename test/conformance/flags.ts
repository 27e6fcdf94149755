// The flags that fixtures run with. Both systems accept Flux's names.

/** The flags of most fixtures: short waits for dependencies, and no jitter of intervals. */
const DEFAULT = {
  'requeue-dependency': '3s',
  'interval-jitter-percentage': '0',
};

/** The flags of kustomize and kustomize-controller, by the name that fixtures use. */
export const FLAGS: Record<string, Record<string, string>> = {
  default: DEFAULT,
  tenants: {
    ...DEFAULT,
    'no-cross-namespace-refs': 'true',
    'no-remote-bases': 'true',
    'default-service-account': 'tenant',
  },
  identities: { ...DEFAULT, 'feature-gates': 'ObjectLevelWorkloadIdentity=true' },
  gates: {
    ...DEFAULT,
    'feature-gates':
      'StrictPostBuildSubstitutions=false,DisableFailFastBehavior=true,CancelHealthCheckOnNewRevision=true,ExternalArtifact=true,' +
      'MigrateAPIVersion=true,AdditiveCELDependencyCheck=true,GroupChangeLog=true',
    'override-manager': 'intruder',
    'custom-apply-stage-kinds': '/ConfigMap',
  },
};
