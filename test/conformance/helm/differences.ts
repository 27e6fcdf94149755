// What differs from Flux on purpose. `id` is the heading in docs/compatibility.md under which the reason is stated.
import type { Rule } from '../compare.ts';

const RANGE = {
  id: 'A range without a version says which there are',
  fixture: /^version-missing$/,
  flux: /matching '>=3\.0\.0' found$/,
  weir: /found \(the highest versions are 1\.0\.0\)$/,
};

export const HELM_RULES: readonly Rule[] = [
  { ...RANGE, path: /^releases > web > message$/ },
  { ...RANGE, path: /^sources > helmcharts\/<ns>-web > message$/ },
];

/** A difference of HelmReleases on purpose, by its heading in docs/compatibility.md. */
interface HelmDifference {
  heading: string;
  /** The field, flag, gate or annotation without which Weir does as Flux does, or by which it can be told to. */
  switchedBy?: string;
}

/** Everything in which HelmReleases differ on purpose, recorded or not. Of those without a switch there are six at most. */
export const HELM_DIFFERENCES: readonly HelmDifference[] = [
  { heading: RANGE.id },
  { heading: 'A failed release says why, and when it is tried again' },
  { heading: 'A Helm release that is too large is refused before anything is applied' },
  { heading: 'Values that are kept cause one upgrade' },
  { heading: 'A killed process leaves no release behind' },
  { heading: 'A chart object has one HelmRelease' },
  { heading: 'RetryOnFailure ends where it is told to', switchedBy: 'remediation.retries' },
  { heading: 'A deleted workload is said', switchedBy: '--report-deleted-workloads' },
  {
    heading: 'CRDs in a chart are compared with what is stored',
    switchedBy: 'helm.toolkit.fluxcd.io/crdComparison',
  },
  {
    heading: 'A release that moves may leave nothing behind',
    switchedBy: 'helm.toolkit.fluxcd.io/cleanUpAfterMove',
  },
];

/** Headings of what is the same for several kinds, HelmRelease among them, or not about HelmReleases at all. */
export const SHARED_DIFFERENCES: readonly string[] = [
  'Nothing is fetched while a build runs',
  'Charts belong into a HelmRelease',
  'A changed spec ends a health check',
  'What comes in a moment is not missed first',
  'A dependency may be of any kind',
  'What others depend on is deleted after them',
  'Another cluster is known by its UID',
];
