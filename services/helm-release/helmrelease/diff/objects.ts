// Compares the objects and hooks of two versions of a release, for people to read.
import { isDeepStrictEqual } from 'node:util';
import { parseApiVersion } from '@weir/kube';
import type { HelmRelease as HelmContent, RenderedObject } from '@weir/render';
import { stringify } from 'yaml';
import { changedLines } from './lines.ts';
import type { Mask } from './mask.ts';

export interface ObjectChange {
  /** `Deployment/apps/web`; without a namespace where the manifest names none. */
  subject: string;
  /** Whether it is a hook, which is run and is no part of the release. */
  hook: boolean;
  change: 'created' | 'changed' | 'deleted';
  /** Lines of YAML that begin with `+`, `-` or a blank; `@@` stands for lines that are left out. */
  lines: string[];
}

type Content = Pick<HelmContent, 'objects' | 'hooks'>;

/** In the order of the new manifest; what is deleted comes last. */
export function compareObjects(
  before: Content | undefined,
  after: Content,
  mask: Mask,
): { changes: ObjectChange[]; unchanged: number } {
  const old = entriesOf(before ?? { objects: [], hooks: [] });
  const next = entriesOf(after);
  const keys = new Set([...next.keys(), ...old.keys()]);
  const changes = [...keys].flatMap((key) => changeOf(old.get(key), next.get(key), mask));
  return { changes, unchanged: keys.size - changes.length };
}

interface Entry {
  object: RenderedObject;
  hook: boolean;
}

function entriesOf({ objects, hooks }: Content): Map<string, Entry> {
  const entries = [
    ...objects.map((object) => ({ object, hook: false })),
    ...hooks.flatMap((hook) => hook.objects.map((object) => ({ object, hook: true }))),
  ];
  return new Map(entries.map((entry) => [keyOf(entry), entry]));
}

function changeOf(before: Entry | undefined, after: Entry | undefined, mask: Mask): ObjectChange[] {
  if (isDeepStrictEqual(before?.object, after?.object)) return [];
  const entry = after ?? before;
  if (entry === undefined) return [];
  const [old, next] = mask.pair(before?.object, after?.object);
  const lines = changedLines(linesOf(old), linesOf(next));
  return [
    {
      subject: mask.text(subjectOf(entry.object)),
      hook: entry.hook,
      change: before === undefined ? 'created' : after === undefined ? 'deleted' : 'changed',
      lines: lines.length > 0 ? lines : ['  (only values that come from Secrets)'],
    },
  ];
}

/** Equal for the same object in any version of its kind. */
function keyOf({ object, hook }: Entry): string {
  const { group } = parseApiVersion(object.apiVersion);
  return `${hook} ${group} ${subjectOf(object)}`;
}

function subjectOf({ kind, metadata: { namespace, name } }: RenderedObject): string {
  return [kind, ...(namespace ? [namespace] : []), name].join('/');
}

function linesOf(object: unknown): string[] {
  if (object === undefined) return [];
  return stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }).trimEnd().split('\n');
}
