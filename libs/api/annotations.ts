// The annotations and labels by which users and other tools control the services.
import type { KubeObject } from '@weir/kube';

/** A changed value requests a reconciliation now. The value is a token, by convention the time. */
export const RECONCILE_REQUEST = 'reconcile.fluxcd.io/requestedAt';
/** With the same value as RECONCILE_REQUEST, it requests a reconciliation that skips nothing. */
export const FORCE_REQUEST = 'reconcile.fluxcd.io/forceAt';
/** With the same value as RECONCILE_REQUEST, it makes a HelmRelease count its failures from 0 again. */
export const RESET_REQUEST = 'reconcile.fluxcd.io/resetAt';
/** A change of a ConfigMap or Secret with this label (`Enabled`) reconciles the objects that use it. */
export const WATCH_LABEL = 'reconcile.fluxcd.io/watch';
export const WATCH_ENABLED = 'Enabled';

/** On a managed object: `Disabled` means that it is neither applied nor deleted. */
export const RECONCILE = 'kustomize.toolkit.fluxcd.io/reconcile';
/** On a managed object: `Disabled` keeps it in the cluster when the build no longer has it. */
export const PRUNE = 'kustomize.toolkit.fluxcd.io/prune';
/** On a managed object: how it is applied (`Override`, `Merge`, `IfNotPresent`, `Ignore`). */
export const SSA = 'kustomize.toolkit.fluxcd.io/ssa';
/** On a managed object: `Enabled` deletes and creates it when an immutable field changed. */
export const FORCE = 'kustomize.toolkit.fluxcd.io/force';
/** On a managed object: `disabled` leaves `${variables}` in it as they are. */
export const SUBSTITUTE = 'kustomize.toolkit.fluxcd.io/substitute';
/** On a Secret of a source: `disabled` leaves it encrypted. */
export const DECRYPT = 'kustomize.toolkit.fluxcd.io/decrypt';
/** The labels that say which Kustomization applied an object. */
export const OWNER_NAME = 'kustomize.toolkit.fluxcd.io/name';
export const OWNER_NAMESPACE = 'kustomize.toolkit.fluxcd.io/namespace';

/** The finalizer of objects that need cleanup when they are deleted. It has the same name as in Flux. */
export const FINALIZER = 'finalizers.fluxcd.io';

/** The token of the reconciliation that was requested; undefined if none was. */
export function reconcileRequest(object: KubeObject): string | undefined {
  return object.metadata.annotations?.[RECONCILE_REQUEST];
}

/** Whether a requested reconciliation has not been handled yet, by the token that was handled last. */
export function isRequested(object: KubeObject, lastHandled: string | undefined): boolean {
  const request = reconcileRequest(object);
  return request !== undefined && request !== '' && request !== lastHandled;
}
