/** The API group of HelmRelease, which is the prefix of its labels and markers. */
export const GROUP = 'helm.toolkit.fluxcd.io';

/** The field manager of everything that is applied, and the component of events; the same as in Flux. */
export const CONTROLLER = 'helm-controller';
