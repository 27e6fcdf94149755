import type { OCIRepository } from '@weir/api';
import { formatReference, parseRepository } from '@weir/oci';
import type { SourceWords } from '../shared/source.ts';

/** Annotations about the origin of an artifact (OCI image spec, annotations.md). */
const SOURCE = 'org.opencontainers.image.source';
const REVISION = 'org.opencontainers.image.revision';

/** Flux's messages for OCIRepositories. */
export const words: SourceWords<OCIRepository> = {
  outdated: ({ spec }, revision) =>
    `new revision '${revision}' for '${nameOf(spec.url, revision)}'`,
  stored: ({ revision }) => `stored artifact for digest '${revision}'`,
  storedEvent({ spec, status }) {
    const { revision = '', metadata = {} } = status?.artifact ?? {};
    const stored = `stored artifact with revision '${revision}' from '${spec.url ?? ''}'`;
    const { [SOURCE]: source, [REVISION]: origin } = metadata;
    if (!source || !origin) return stored;
    return `${stored}, origin source '${source}', origin revision '${origin}'`;
  },
};

/** `host/name:tag`, or `host/name@digest` for a revision that is a digest alone. */
function nameOf(url = '', revision: string): string {
  const repository = parseRepository(url.slice('oci://'.length));
  const at = revision.indexOf('@');
  return at < 0
    ? formatReference({ repository, digest: revision })
    : formatReference({ repository, tag: revision.slice(0, at) });
}
