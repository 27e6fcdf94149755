// Which fixture sets which field of a HelmRelease.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { type HelmFixture, loadHelmFixtures, type Step } from './fixture.ts';
import { specOf } from './releases.ts';

const CRD = '../../../charts/weir/crds/helmreleases.helm.toolkit.fluxcd.io.yaml';

/**
 * Fields that the helm-controller that the fixtures are recorded from does not have, and the test of the service that shows
 * them: those by which a HelmRelease makes an OCIRepository, which are new in Flux 2.10, and Weir's own.
 */
export const SHOWN_ELSEWHERE: readonly { fields: RegExp; test: string }[] = [
  {
    fields:
      /^chart\.(kind$|spec\.(url|ref|layerSelector|provider|secretRef|certSecretRef|proxySecretRef|serviceAccountName|insecure|ignore|suspend|timeout|verify\.(matchOIDCIdentity|trustedRootSecretRef))\b)/,
    test: 'services/helm-release/helmrelease/chart/template.test.ts',
  },
  {
    fields: /^dependsOn\[\]\.(apiVersion|kind|ready)$/,
    test: 'services/helm-release/waiting.cluster.test.ts',
  },
];

export interface FieldRow {
  /** The path in the form `a.b[].c`. */
  field: string;
  /** The names of the fixtures that set it, or the path of the test that shows it. */
  shownBy: string[];
}

/** All fields of spec, in the order of the CRD. */
export async function fieldRows(): Promise<FieldRow[]> {
  const crd = parse(await readFile(join(import.meta.dirname, CRD), 'utf8'));
  const { schema } = crd.spec.versions.find(({ name }: { name: string }) => name === 'v2');
  const set = settersOf(await loadHelmFixtures());
  return fieldsOf(schema.openAPIV3Schema.properties.spec).map((field) => {
    const elsewhere = SHOWN_ELSEWHERE.find(({ fields }) => fields.test(field));
    const shownBy = elsewhere ? [elsewhere.test] : [...(set.get(field) ?? [])].sort();
    return { field, shownBy };
  });
}

interface Schema {
  properties?: Record<string, Schema>;
  items?: Schema;
}

function fieldsOf({ properties = {}, items }: Schema, path = ''): string[] {
  const below = Object.entries(properties).flatMap(([name, schema]) => {
    const field = path === '' ? name : `${path}.${name}`;
    return [field, ...fieldsOf(schema, field)];
  });
  return [...below, ...(items === undefined ? [] : fieldsOf(items, `${path}[]`))];
}

/** The names of fixtures by the fields that they set. */
function settersOf(fixtures: readonly HelmFixture[]): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const fixture of fixtures) {
    const specs = [
      ...Object.keys(fixture.releases).map((name) => specOf(fixture, name)),
      ...(fixture.steps ?? []).flatMap(changesOf),
    ];
    for (const field of specs.flatMap((spec) => setBy(spec))) {
      found.set(field, (found.get(field) ?? new Set()).add(fixture.name));
    }
  }
  return found;
}

function changesOf(step: Step): unknown[] {
  if ('together' in step) return step.together.flatMap(changesOf);
  return 'change' in step ? [step.spec] : [];
}

function setBy(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return [path, ...value.flatMap((item) => setBy(item, `${path}[]`))];
  if (typeof value !== 'object' || value === null) return value === null ? [] : [path];
  const entries = Object.entries(value);
  return [path, ...entries.flatMap(([name, item]) => setBy(item, path ? `${path}.${name}` : name))];
}

/** The most fixtures that a row of the table names. */
const NAMED = 4;

/** The table as Markdown. */
export function fieldTable(rows: readonly FieldRow[]): string {
  const lines = rows.map(({ field, shownBy }) => {
    const more = shownBy.length > NAMED ? ` and ${shownBy.length - NAMED} more` : '';
    return `| \`${field}\` | ${shownBy.slice(0, NAMED).join(', ')}${more} |`;
  });
  return ['| field | fixtures |', '| --- | --- |', ...lines].join('\n');
}
