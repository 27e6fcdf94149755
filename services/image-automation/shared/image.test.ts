import { deepEqual, equal, throws } from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '@weir/reconcile';
import { parseImage } from './image.ts';

test('an image is a repository of a registry', () => {
  const names: [image: string, registry: string, name: string][] = [
    ['redis', 'index.docker.io', 'library/redis'],
    ['org/app', 'index.docker.io', 'org/app'],
    ['docker.io/org/app', 'index.docker.io', 'org/app'],
    ['ghcr.io/org/app', 'ghcr.io', 'org/app'],
    ['localhost:5000/app', 'localhost:5000', 'app'],
    ['127.0.0.1:5000//app', '127.0.0.1:5000', 'app'],
    ['GHCR.io/org/app', 'ghcr.io', 'org/app'],
  ];
  for (const [image, registry, name] of names) deepEqual(parseImage(image), { registry, name });
});

test('anything else is refused in the words of Flux', () => {
  const digest = `sha256:${'0'.repeat(64)}`;
  const wrong: [image: string, message: string][] = [
    ['ghcr.io/app:1.0.0', "image 'ghcr.io/app:1.0.0' should not include a tag; remove ':1.0.0'"],
    ['localhost:5000/app:1', "image 'localhost:5000/app:1' should not include a tag; remove ':1'"],
    ['redis:7', "image 'redis:7' should not include a tag; remove ':7'"],
    [
      `ghcr.io/app@${digest}`,
      `image 'ghcr.io/app@${digest}' should not include a tag; remove ':${'0'.repeat(64)}'`,
    ],
    [
      'https://ghcr.io/app',
      "image 'https://ghcr.io/app' should not include URL scheme; remove 'https://'",
    ],
    ['oci://app', "image 'oci://app' should not include URL scheme; remove 'oci://'"],
    ['ghcr.io/App', 'could not parse reference: ghcr.io/App'],
    ['ghcr.io/../app', 'could not parse reference: ghcr.io/../app'],
    ['', 'could not parse reference: '],
  ];
  for (const [image, message] of wrong) {
    throws(
      () => parseImage(image),
      (error) => {
        equal(error instanceof Failure && error.stalled && error.reason, 'ImageURLInvalid');
        equal(error instanceof Error && error.message, message);
        return true;
      },
    );
  }
});
