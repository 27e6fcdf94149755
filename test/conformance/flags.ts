// The settings under which fixtures run. Both systems take Flux's names.

/** As most fixtures run: short waits for what is not there yet, intervals as they are written. */
const DEFAULT = {
  'requeue-dependency': '3s',
  'interval-jitter-percentage': '0',
};

/** Flags of the kustomize side by the name that a fixture asks for. */
export const FLAGS: Record<string, Record<string, string>> = {
  default: DEFAULT,
  tenants: {
    ...DEFAULT,
    'no-cross-namespace-refs': 'true',
    'no-remote-bases': 'true',
    'default-service-account': 'tenant',
  },
  gates: {
    ...DEFAULT,
    'feature-gates':
      'StrictPostBuildSubstitutions=false,DisableFailFastBehavior=true,CancelHealthCheckOnNewRevision=true,ExternalArtifact=true,' +
      'MigrateAPIVersion=true,AdditiveCELDependencyCheck=true,GroupChangeLog=true',
    'override-manager': 'intruder',
    'custom-apply-stage-kinds': '/ConfigMap',
  },
};
