// testdata/fields.tsv says of each field of each kind of image which recorded case or which test sets it, or looks at it.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fieldsSetBy, testFieldTable } from '@weir/kit';
import type { KubeObject } from '@weir/kube';
import { caseNames, FOLDER } from './testing/recorded/case.ts';
import { FOLDER as UPDATES, caseNames as updateNames } from './testing/updates/case.ts';

/** What both forms of recorded cases have. */
interface AnyCase {
  objects: (KubeObject & { spec?: unknown })[];
  objectsCreatedLater?: (KubeObject & { spec?: unknown })[];
  steps?: { apply?: KubeObject & { spec?: unknown }; spec?: string; patch?: unknown }[];
  result: { status: Shown; marks?: Record<string, { status: Shown }> };
}

/** Statuses by `Kind/name`. */
type Shown = Record<string, unknown>;

testFieldTable({
  file: join(import.meta.dirname, 'testdata/fields.tsv'),
  group: 'image.toolkit.fluxcd.io',
  plurals: ['imagerepositories', 'imagepolicies', 'imageupdateautomations'],
  caseNames: async () => [...(await caseNames('')), ...(await updateNames())],
  async covers(name, kind, field) {
    const folder = name.startsWith('iu-') ? UPDATES : FOLDER;
    const recorded = JSON.parse(await readFile(join(folder, `${name}.json`), 'utf8')) as AnyCase;
    const [part = ''] = field.split('.');
    const values = part === 'spec' ? specsOf(recorded, kind) : statusesOf(recorded, kind);
    return values.some((value) => fieldsSetBy(value, part).includes(field));
  },
});

function specsOf(
  { objects, objectsCreatedLater = [], steps = [] }: AnyCase,
  kind: string,
): unknown[] {
  const applied = steps.flatMap(({ apply }) => apply ?? []);
  const all = [...objects, ...objectsCreatedLater, ...applied];
  return [
    ...all.filter((object) => object.kind === kind).map(({ spec }) => spec),
    ...steps.filter(({ spec = '' }) => spec.startsWith(`${kind}/`)).map(({ patch }) => patch),
  ];
}

/** A recorded condition is one text, which has all of its fields but two. */
const CONDITION = { type: '', status: '', reason: '', message: '' };

function statusesOf({ result }: AnyCase, kind: string): unknown[] {
  const looks = [result, ...Object.values(result.marks ?? {})].flatMap(({ status }) =>
    Object.entries(status),
  );
  return looks
    .filter(([key]) => key.startsWith(`${kind}/`))
    .map(([, status]) => ({ ...Object(status), conditions: [CONDITION] }));
}
