// testdata/fields.tsv says of each field of each kind of source which recorded case or which test sets it, or looks at it.
import { join } from 'node:path';
import { fieldsSetBy, testFieldTable } from '@weir/kit';
import { caseNames, loadCase } from './testing/recorded/case.ts';

testFieldTable({
  file: join(import.meta.dirname, 'testdata/fields.tsv'),
  group: 'source.toolkit.fluxcd.io',
  plurals: [
    ...['gitrepositories', 'ocirepositories', 'buckets', 'helmrepositories', 'helmcharts'],
    'externalartifacts',
  ],
  caseNames: () => caseNames(''),
  async covers(name, kind, field) {
    const { objects, steps = [], result } = await loadCase(name, {});
    const own = objects.filter((it) => it.kind === kind);
    if (field.startsWith('status.')) {
      const looks = [result.objects, ...Object.values(result.marks ?? {})];
      const isShown = looks.some((look) => Object.keys(look).some((it) => it.startsWith(kind)));
      return own.length > 0 && isShown;
    }
    const patches = steps.flatMap((step) => ('patch' in step ? [step.patch] : []));
    const set = [
      ...own.flatMap((it) => fieldsSetBy((it as { spec?: unknown }).spec, 'spec')),
      ...patches.flatMap((patch) =>
        Object.entries(Object(patch)).flatMap(([part, value]) => fieldsSetBy(value, part)),
      ),
    ];
    return own.length > 0 && set.includes(field);
  },
});
