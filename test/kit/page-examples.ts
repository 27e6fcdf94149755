import assert from 'node:assert/strict';
import type { KubeObject } from '@weir/kube';
import { parseAllDocuments } from 'yaml';

/** The objects of each YAML block of a page of the documentation, in the order of the page. Throws for YAML that is none. */
export function pageExamples<T extends KubeObject = KubeObject>(page: string): T[][] {
  return [...page.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, block = '']) =>
    parseAllDocuments(block).map((document) => {
      assert.deepEqual(document.errors, []);
      return document.toJS() as T;
    }),
  );
}
