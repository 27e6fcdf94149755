// Hosts of AWS's services.

/** DNS suffixes by the prefix of a region's name (AWS: partitions). */
const SUFFIXES: readonly [prefix: string, suffix: string][] = [
  ['cn-', 'amazonaws.com.cn'],
  ['us-iso-', 'c2s.ic.gov'],
  ['us-isob-', 'sc2s.sgov.gov'],
  ['us-isof-', 'csp.hci.ic.gov'],
  ['eu-isoe-', 'cloud.adc-e.uk'],
  ['eusc-', 'amazonaws.eu'],
];

/**
 * The host of a service (`sts`, `api.ecr`) in a region. The caller has checked the region, because it becomes part of
 * the host.
 */
export function awsHost(service: string, region: string): string {
  const [, suffix = 'amazonaws.com'] = SUFFIXES.find(([prefix]) => region.startsWith(prefix)) ?? [];
  return `${service}.${region}.${suffix}`;
}
