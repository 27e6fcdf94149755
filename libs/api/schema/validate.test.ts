import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { kinds } from '../kinds.ts';
import { Kustomization } from '../kustomize/kustomization.ts';
import { Alert } from '../notification/alert.ts';
import { GitRepository } from '../source/gitrepository.ts';
import { objectOf, verdicts } from '../testing/cases.ts';
import { validate, withDefaults } from './validate.ts';

describe('validate', () => {
  for (const verdict of verdicts) {
    const { title, kind, wrong } = verdict;
    it(`${wrong ? 'refuses' : 'accepts'} ${title}`, () => {
      const result = validate(kind, objectOf(verdict, 'x'));
      const places = result.ok ? [] : result.errors.map((error) => error.split(':')[0]);
      assert.deepEqual([...new Set(places)], wrong ? [wrong] : []);
    });
  }

  it('refuses an object of another kind', () => {
    const result = validate(Alert, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' } });
    assert.deepEqual(result, {
      ok: false,
      errors: [
        'apiVersion: must be notification.toolkit.fluxcd.io/v1',
        'kind: must be Alert',
        'spec: is required',
      ],
    });
  });

  it('refuses what is no object', () => {
    for (const value of [undefined, null, 'x', 1, []]) {
      assert.equal(validate(Alert, value).ok, false);
    }
  });

  it('has a verdict on anything', () => {
    const spec = fc.oneof(
      fc.anything(),
      fc.dictionary(fc.constantFrom(...fieldNames()), fc.anything()),
    );
    const property = fc.property(fc.constantFrom(...kinds), spec, (kind, spec) => {
      const { apiVersion } = kind;
      const result = validate(kind, { apiVersion, kind: kind.kind, metadata: { name: 'x' }, spec });
      assert.ok(result.ok || result.errors.length > 0);
    });
    fc.assert(property, { numRuns: 500 });
  });

  it('gives the object its type', () => {
    const spec = { interval: '1m', prune: true, sourceRef: { kind: 'GitRepository', name: 'a' } };
    const { apiVersion, kind } = Kustomization;
    const result = validate(Kustomization, { apiVersion, kind, metadata: { name: 'x' }, spec });
    assert.ok(result.ok);
    const path: string | undefined = result.object.spec.path;
    const source: 'GitRepository' | 'OCIRepository' | 'Bucket' | 'ExternalArtifact' =
      result.object.spec.sourceRef.kind;
    const generation: number | undefined = result.object.status?.observedGeneration;
    assert.deepEqual([path, source, generation], [undefined, 'GitRepository', -1]);
  });
});

describe('withDefaults', () => {
  const repository = {
    apiVersion: GitRepository.apiVersion,
    kind: GitRepository.kind,
    metadata: { name: 'x', labels: { a: 'b' } },
    spec: { url: 'https://example.com', interval: '1m', verify: { secretRef: { name: 'a' } } },
  };

  it('fills in what is missing, deep down too, and leaves the argument alone', () => {
    const before = structuredClone(repository);
    assert.deepEqual(withDefaults(GitRepository, repository), {
      ...repository,
      spec: {
        ...repository.spec,
        timeout: '60s',
        verify: { mode: 'HEAD', secretRef: { name: 'a' } },
      },
      status: { observedGeneration: -1 },
    });
    assert.deepEqual(repository, before);
  });

  it('keeps what is there, drops what is null or unknown', () => {
    const spec = { ...repository.spec, timeout: '5s', verify: null, extra: { a: 1 } };
    const { verify: _, ...kept } = repository.spec;
    assert.deepEqual(withDefaults(GitRepository, { ...repository, spec }), {
      ...repository,
      spec: { ...kept, timeout: '5s' },
      status: { observedGeneration: -1 },
    });
  });

  it('gives each object a status of its own', () => {
    const [one, other] = [1, 2].map(() => withDefaults(GitRepository, repository));
    assert.notEqual(Object(one).status, Object(other).status);
  });
});

/** The names of all fields of all specs. */
function fieldNames(): string[] {
  return kinds.flatMap((kind) => Object.keys(Object(kind.schema.properties.spec).properties));
}
