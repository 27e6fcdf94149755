// The schema of `status.artifact`: what a source's artifact is, and where to download it.
import type { Static } from 'typebox';
import { dictionary, int64, object, optional, text, time } from '../schema/schema.ts';

/** `<algorithm>:<value>`, the digest form of the OCI image specification. */
const DIGEST = '^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$';

export const artifactProperties = {
  digest: text('Digest of the archive, as `<algorithm>:<hex>`.', { pattern: DIGEST }),
  lastUpdateTime: time('When this revision was stored.'),
  metadata: optional(dictionary('Further facts about the content, such as OCI annotations.')),
  path: text('Path of the archive below the root of the artifact server.'),
  revision: text(
    'What the content is at the upstream, in its own terms: `main@sha1:<commit>` for a Git branch.',
  ),
  size: optional(int64('Size of the archive in bytes.')),
  url: text('HTTP address of the archive, for other services of the cluster.'),
};

export function artifactSchema(description: string) {
  return object(artifactProperties, description);
}

export type Artifact = Static<ReturnType<typeof artifactSchema>>;
