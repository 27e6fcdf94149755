import assert from 'node:assert/strict';
import { it } from 'node:test';
import { asServed } from './artifacts.ts';
import type { SourceObject } from './source.ts';

const HEX = 'ab'.repeat(32);
const BASE = 'http://source.weir-system';
const chart = {
  apiVersion: 'source.toolkit.fluxcd.io/v1',
  kind: 'HelmChart',
  metadata: { namespace: 'apps', name: 'web', uid: '1' },
  spec: {},
} as SourceObject;
const artifact = (path: string) => ({
  digest: `sha256:${HEX}`,
  lastUpdateTime: '2026-11-25T00:00:00Z',
  path,
  revision: '1.0.0',
  url: `http://elsewhere/${path}`,
});

it('serves what Flux left in a status under a path that names the digest', () => {
  const served = asServed(chart, artifact('helmchart/apps/web/web-1.0.0.tgz'), BASE);
  assert.equal(served.path, `helmchart/apps/web/${HEX}.tgz`);
  assert.equal(served.url, `${BASE}/helmchart/apps/web/${HEX}.tgz`);
  assert.equal(served.lastUpdateTime, '2026-11-25T00:00:00Z');
  // A path of Flux can look like one of Weir with another digest.
  const other = asServed(chart, artifact(`helmchart/apps/web/${'cd'.repeat(32)}.tar.gz`), BASE);
  assert.equal(other.path, `helmchart/apps/web/${HEX}.tar.gz`);
});

it('keeps a path of its own', () => {
  const path = `helmchart/apps/web/${HEX}.tgz`;
  assert.equal(asServed(chart, artifact(path), BASE).path, path);
});
