import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Type } from 'typebox';
import { crdYaml, structural } from './crd.ts';
import { kinds } from './kinds.ts';
import { allSchemas, crdFacts, parseDefinition } from './testing/crd-facts.ts';

const FACTS = join(import.meta.dirname, 'testdata/flux-crd-fields.tsv');
const definitions = kinds.map((kind) => parseDefinition(crdYaml(kind)));

/** What Flux's definitions say beyond the table of fields. */
const CATEGORIES = new Map([
  ['GitRepository', ['all', 'fluxcd', 'fluxcd-sources']],
  ['Kustomization', ['all', 'fluxcd', 'fluxcd-appliers']],
  ['Provider', ['all', 'fluxcd', 'fluxcd-notifications']],
  ['Alert', ['all', 'fluxcd', 'fluxcd-notifications']],
]);
const ONE_KUBECONFIG =
  'exactly one of spec.kubeConfig.configMapRef or spec.kubeConfig.secretRef must be specified';
const RULE_MESSAGES = [
  "serviceAccountName can only be set when provider is 'azure' or 'aws'",
  ONE_KUBECONFIG,
  ONE_KUBECONFIG,
  "spec.commitStatusExpr is only supported for the 'github', 'gitlab', 'gitea', 'bitbucketserver', 'bitbucket', 'azuredevops' provider types",
];

describe('the definitions', () => {
  it('have every field and constraint that Flux has, and no other', () => {
    const expected = readFileSync(FACTS, 'utf8').split('\n').filter(Boolean).sort();
    assert.deepEqual(definitions.flatMap(crdFacts).sort(), expected);
  });

  it('are named and listed as in Flux', () => {
    for (const { metadata, spec } of definitions) {
      const { kind, listKind, singular, plural, categories } = spec.names;
      assert.equal(metadata.name, `${plural}.${spec.group}`);
      assert.equal(listKind, `${kind}List`);
      assert.equal(singular, kind?.toLowerCase());
      assert.deepEqual(categories, CATEGORIES.get(kind ?? ''));
      assert.deepEqual(
        spec.versions.map(({ served, storage }) => ({ served, storage })),
        [{ served: true, storage: true }],
      );
    }
  });

  it('refuse with the messages of Flux', () => {
    const messages = schemas().flatMap(([, schema]) =>
      (schema['x-kubernetes-validations'] ?? []).map(({ message }) => message),
    );
    assert.deepEqual(messages, RULE_MESSAGES);
  });

  it('show all columns of Flux always, and no column only with -o wide', () => {
    const columns = definitions.flatMap(({ spec }) =>
      spec.versions.flatMap((version) => version.additionalPrinterColumns),
    );
    assert.deepEqual(
      columns.filter(({ priority }) => priority !== undefined),
      [],
    );
  });

  it('explain every field', () => {
    const silent = schemas().filter(
      ([path, { description }]) =>
        !path.endsWith('{}') && !path.endsWith('.metadata') && !description,
    );
    assert.deepEqual(
      silent.map(([path]) => path),
      [],
    );
  });

  it('keep the order of printer columns', () => {
    const names = definitions.map(({ spec }) =>
      spec.versions[0]?.additionalPrinterColumns.map(({ name }) => name),
    );
    assert.deepEqual(names, [
      ['URL', 'Age', 'Ready', 'Status'],
      ['Age', 'Ready', 'Status'],
      ['Age'],
      ['Age'],
    ]);
  });
});

describe('structural', () => {
  it('refuses a keyword that a CRD would lose', () => {
    assert.throws(() => structural(Type.String({ contentEncoding: 'base64' })), /contentEncoding/);
    assert.throws(() => structural(Type.Union([Type.String(), Type.Null()])), /anyOf/);
  });

  it('turns a record into additional properties', () => {
    assert.deepEqual(structural(Type.Record(Type.String(), Type.Integer({ minimum: 1 }))), {
      type: 'object',
      additionalProperties: { type: 'integer', minimum: 1 },
    });
  });

  it('leaves what belongs to TypeBox behind', () => {
    const refined = Type.Refine(Type.Object({ a: Type.Optional(Type.String()) }), () => true);
    assert.deepEqual(structural(refined), {
      type: 'object',
      properties: { a: { type: 'string' } },
    });
  });
});

function schemas() {
  return definitions.flatMap(({ spec }) =>
    spec.versions.flatMap((version) => [
      ...allSchemas(version.schema.openAPIV3Schema, spec.names.kind),
    ]),
  );
}
