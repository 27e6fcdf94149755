// The status of a HelmRelease: its releases, how often it failed, and which objects belong to it.
import type { Static } from 'typebox';
import { inventory } from '../inventory.ts';
import { clusterID } from '../kubeconfig.ts';
import {
  conditionsSchema,
  lastHandledReconcileAt,
  NEVER_OBSERVED,
  observedGeneration,
} from '../schema/condition.ts';
import {
  choice,
  int64,
  integer,
  list,
  mapOf,
  object,
  optional,
  text,
  time,
} from '../schema/schema.ts';

const testHook = object(
  {
    lastStarted: optional(time('When the test last began.')),
    lastCompleted: optional(time('When the test last ended.')),
    phase: optional(text('How the test ended: `Succeeded`, `Failed`, `Running` or `Unknown`.')),
  },
  'The last run of one test.',
);

const snapshot = object(
  {
    apiVersion: optional(text('How the digest is made.')),
    digest: text("Digest of the release in Helm's storage, without its tests."),
    name: text('Name of the release.'),
    namespace: text('Namespace that the release is installed to.'),
    version: integer('Version of the release, which Helm calls its revision.'),
    status: text('Status of the release, such as `deployed`.'),
    action: optional(text('What made the release, such as `install`.')),
    chartName: text('Name of the chart.'),
    chartVersion: text('Version of the chart.'),
    appVersion: optional(text('Version of what the chart installs.')),
    configDigest: text('Digest of the values.'),
    firstDeployed: time('When the first version of the release was deployed.'),
    lastDeployed: time('When this version was deployed.'),
    deleted: optional(time('When the release was uninstalled.')),
    testHooks: optional(mapOf(testHook, 'The tests that ran, by name.')),
    ociDigest: optional(text('Digest of the chart in its registry.')),
  },
  'A version of the release, as it was seen last.',
);

export const status = object(
  {
    conditions: optional(conditionsSchema),
    clusterID: optional(clusterID),
    observedGeneration: optional(observedGeneration),
    observedPostRenderersDigest: optional(text('Digest of the post-renderers last released with.')),
    observedCommonMetadataDigest: optional(
      text('Digest of the commonMetadata last released with.'),
    ),
    lastAttemptedGeneration: optional(int64('The metadata.generation that was last tried.')),
    lastAttemptedRevision: optional(text('Version of the chart that was last tried.')),
    lastAttemptedRevisionDigest: optional(
      text('Digest of the chart that was last tried, for charts of a registry.'),
    ),
    lastAttemptedConfigDigest: optional(text('Digest of the values that were last tried.')),
    lastAttemptedValuesChecksum: optional(text('Not written any more.')),
    lastReleaseRevision: optional(integer('Not written any more.')),
    lastAttemptedReleaseAction: optional(
      choice(['install', 'upgrade'], 'What was last tried: an install or an upgrade.'),
    ),
    lastAttemptedReleaseActionDuration: optional(
      text('How long the last install or upgrade took.'),
    ),
    failures: optional(int64('Failures since the spec, the chart or the values changed.')),
    installFailures: optional(int64('Failed installs among them that Helm has stored.')),
    upgradeFailures: optional(int64('Failed upgrades among them that Helm has stored.')),
    helmChart: optional(text('The HelmChart that was made, as `<namespace>/<name>`.')),
    storageNamespace: optional(
      text("Namespace of Helm's storage of the present release.", { minLength: 1, maxLength: 63 }),
    ),
    history: optional(list(snapshot, 'Versions of the release, the newest first.')),
    inventory: optional(inventory),
    lastHandledReconcileAt: optional(lastHandledReconcileAt),
    lastHandledForceAt: optional(
      text('The value of the annotation reconcile.fluxcd.io/forceAt that was last seen.'),
    ),
    lastHandledResetAt: optional(
      text('The value of the annotation reconcile.fluxcd.io/resetAt that was last seen.'),
    ),
  },
  'What was released last, and how that went.',
  { default: NEVER_OBSERVED },
);

export type ReleaseSnapshot = Static<typeof snapshot>;
export type TestHookStatus = Static<typeof testHook>;
