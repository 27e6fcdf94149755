// Intended differences from Flux. `id` is the heading in docs/compatibility.md under which the reason is stated.
import type { Rule } from '../compare.ts';

const RANGE = {
  id: 'Failures name their cause, and quote no stranger',
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
  /**
   * The fields, flags and annotations by which Weir can be told to do as Flux does, or without which it does so. The section
   * says what of it each of them switches.
   */
  switchedBy?: readonly string[];
}

/** Everything in which HelmReleases differ on purpose, recorded or not, with a switch or without. */
export const HELM_DIFFERENCES: readonly HelmDifference[] = [
  { heading: 'Retries are explained, and end', switchedBy: ['remediation.retries'] },
  { heading: 'A deleted workload is said', switchedBy: ['--report-deleted-workloads'] },
  { heading: 'Values that are kept cause one upgrade' },
  { heading: 'A chart object has one HelmRelease' },
  {
    heading: 'What is bound to fail or to break is refused before anything is applied',
    switchedBy: ['helm.toolkit.fluxcd.io/crdComparison'],
  },
  {
    heading: 'A release leaves nothing behind',
    switchedBy: ['helm.toolkit.fluxcd.io/cleanUpAfterMove'],
  },
];

/**
 * Headings of what is the same for several kinds, HelmRelease among them, or not about HelmReleases at all. The words about
 * ranges are those of the HelmChart, which a HelmRelease passes on: they count among the differences of sources.
 */
export const SHARED_DIFFERENCES: readonly string[] = [
  RANGE.id,
  'What others write and send has limits',
  'Requests and credentials go only where they belong',
  'Nothing is fetched while a build runs',
  'A failed build names what to mend',
  'A changed spec ends a health check',
  'Only what happened is told and written',
  'A dependency may be of any kind',
  'What others depend on is deleted after them',
  'Another cluster is known by its UID',
];
