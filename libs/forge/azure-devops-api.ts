import { ForgeError } from './errors.ts';
import type { ForgeRepository } from './repository.ts';

/** `<organization>/<project>/_git/<repository>`, with anything before the organization on a server of one's own. */
export function azureDevOpsRepositoryUrl({ origin, path }: ForgeRepository): string {
  const [before = '', name = '', ...more] = path.split('/_git/');
  const parts = before.split('/');
  if (parts.length < 2 || parts.includes('') || name === '' || name.includes('/') || more.length) {
    throw new ForgeError(
      `invalid repository id: '${path}', it must be like <organization>/<project>/_git/<name>`,
    );
  }
  const encoded = parts.map(encodeURIComponent).join('/');
  return `${origin}/${encoded}/_apis/git/repositories/${encodeURIComponent(name)}`;
}
