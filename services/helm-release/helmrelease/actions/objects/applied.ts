// What became of an object of a release, as libs/apply tells it: for the drift watch and for waits.
import { type AppliedObject, type PlacedObject, targetOf } from '@weir/apply';
import type { KubeObject } from '@weir/kube';

export function appliedAs(
  action: 'created' | 'configured' | 'unchanged',
  placed: PlacedObject,
  object: KubeObject,
): AppliedObject {
  return { change: changeOf(action, placed), desired: placed.object, object };
}

/** Of an object that surely is as it was applied, and was not asked about. */
export function intactAs(placed: PlacedObject, uid: string): AppliedObject {
  return { change: changeOf('unchanged', placed), desired: placed.object, intact: uid };
}

function changeOf(action: 'created' | 'configured' | 'unchanged', { object }: PlacedObject) {
  const { version, ...id } = targetOf(object);
  return { id, version, action };
}
