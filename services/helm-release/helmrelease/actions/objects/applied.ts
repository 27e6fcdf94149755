// The result of applying an object of a release, in the form of libs/apply: for the drift watch and for waits.
import { type AppliedObject, type PlacedObject, targetOf } from '@weir/apply';
import type { KubeObject } from '@weir/kube';

export function appliedAs(
  action: 'created' | 'configured' | 'unchanged',
  placed: PlacedObject,
  object: KubeObject,
): AppliedObject {
  // The name may be one that the API server has made.
  return { change: changeOf(action, object), desired: placed.object, object };
}

/** For an object that is surely as it was applied, and was not read. */
export function intactAs(placed: PlacedObject, uid: string): AppliedObject {
  return { change: changeOf('unchanged', placed.object), desired: placed.object, intact: uid };
}

function changeOf(action: 'created' | 'configured' | 'unchanged', object: KubeObject) {
  const { version, ...id } = targetOf(object);
  return { id, version, action };
}
