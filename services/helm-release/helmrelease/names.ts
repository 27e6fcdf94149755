/** The API group of HelmRelease, which is the prefix of its labels and markers. */
export const GROUP = 'helm.toolkit.fluxcd.io';

/** The field manager of everything that is applied, and the source of events. As Flux's. */
export const CONTROLLER = 'helm-controller';
