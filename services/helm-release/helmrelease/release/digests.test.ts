// The digests are those that Flux's own types give for the same spec, by Go's encoder.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commonMetadataDigest, postRenderersDigest } from './digests.ts';
import { helmRelease } from './testing/values.ts';

const { spec } = helmRelease();

test('post-renderers', () => {
  const postRenderers = [
    {
      kustomize: {
        images: [{ newTag: '2', name: 'a&b' }],
        patches: [
          { target: { labelSelector: 'a=b', kind: 'Deployment', name: '' }, patch: 'a: <b>\n' },
        ],
      },
    },
    {},
    { kustomize: {} },
    { kustomize: { patches: [{ patch: 'x\u2028', target: {} }], images: [] } },
  ];
  assert.equal(
    postRenderersDigest({ ...spec, postRenderers }),
    'sha256:1793f6f44500adbd4621d9b3818fb5ff92eba30299ad0c56f2098713e6556c59',
  );
  assert.equal(
    postRenderersDigest({ ...spec, postRenderers: [] }),
    'sha256:37517e5f3dc66819f61f5a7bb8ace1921282415f10551d2defa5c3eb0985b570',
  );
  assert.equal(postRenderersDigest(spec), '');
});

test('common metadata, whose keys are in the order of their bytes', () => {
  const commonMetadata = {
    labels: { b: '1', '10': 'x', '9': 'y', ä: 'z' },
    annotations: { z: '<', a: '2' },
  };
  assert.equal(
    commonMetadataDigest({ ...spec, commonMetadata }),
    'sha256:6b5c77226e53944a39fd6fa383b97680aa496812a77e96fcc5bdcff72cd7a1a6',
  );
  assert.equal(
    commonMetadataDigest({ ...spec, commonMetadata: {} }),
    'sha256:ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356',
  );
  assert.equal(commonMetadataDigest(spec), '');
});
