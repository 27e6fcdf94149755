// The annotations and labels through which people and other tools speak to the services.
import type { KubeObject } from '@weir/kube';

/** A changed value asks for a reconciliation now; the value is a token, by custom the time. */
export const RECONCILE_REQUEST = 'reconcile.fluxcd.io/requestedAt';
/** Equal to the value of RECONCILE_REQUEST, it asks for a reconciliation that skips nothing. */
export const FORCE_REQUEST = 'reconcile.fluxcd.io/forceAt';
/** Equal to the value of RECONCILE_REQUEST, it makes a HelmRelease count its failures from 0 again. */
export const RESET_REQUEST = 'reconcile.fluxcd.io/resetAt';
/** A ConfigMap or Secret with this label is watched by those who use it. */
export const WATCH_LABEL = 'reconcile.fluxcd.io/watch';
export const WATCH_ENABLED = 'Enabled';

/** On a managed object: `Disabled` leaves it alone altogether. */
export const RECONCILE = 'kustomize.toolkit.fluxcd.io/reconcile';
/** On a managed object: `Disabled` keeps it when it leaves the build. */
export const PRUNE = 'kustomize.toolkit.fluxcd.io/prune';
/** On a managed object: how it is applied (`Override`, `Merge`, `IfNotPresent`, `Ignore`). */
export const SSA = 'kustomize.toolkit.fluxcd.io/ssa';
/** On a managed object: `Enabled` deletes and creates it when an immutable field changed. */
export const FORCE = 'kustomize.toolkit.fluxcd.io/force';
/** On a managed object: `disabled` leaves `${variables}` in it as they are. */
export const SUBSTITUTE = 'kustomize.toolkit.fluxcd.io/substitute';
/** On a Secret of a source: `disabled` leaves it encrypted. */
export const DECRYPT = 'kustomize.toolkit.fluxcd.io/decrypt';
/** The labels that tell which Kustomization applied an object. */
export const OWNER_NAME = 'kustomize.toolkit.fluxcd.io/name';
export const OWNER_NAMESPACE = 'kustomize.toolkit.fluxcd.io/namespace';

/** Held by every object that needs cleaning up after, in the name that Flux's kinds use. */
export const FINALIZER = 'finalizers.fluxcd.io';

/** The token of the reconciliation that was asked for, if one was. */
export function reconcileRequest(object: KubeObject): string | undefined {
  return object.metadata.annotations?.[RECONCILE_REQUEST];
}

/** Whether the requested reconciliation is still to be done, by the token that was last handled. */
export function isRequested(object: KubeObject, lastHandled: string | undefined): boolean {
  const request = reconcileRequest(object);
  return request !== undefined && request !== '' && request !== lastHandled;
}
