// The texts of a pull request, and what to do with it: open it, change it, close it, or leave it closed.
import type { ImageUpdateAutomation, PullRequestSpec } from '@weir/api';
import type { PullRequest, PullRequests, PullRequestTexts } from '@weir/forge';
import type { RenderPool } from '@weir/render';
import type { ChangedFile } from './change.ts';
import { pullRequestFailure } from './forge.ts';
import { changedImages } from './images.ts';
import { templateFailure } from './message.ts';
import type { ImageRef } from './setters/marker.ts';

const TITLE =
  'Update {{ range $i, $image := .Images }}{{ if $i }}, {{ end }}{{ $image.Image | splitList "/" | last }} to {{ $image.New }}{{ end }}';
const BODY = `| Image | Old | New | Policy | Digest |
| --- | --- | --- | --- | --- |
{{ range .Images }}| {{ .Image }} | {{ .Old }} | {{ .New }} | {{ .Policy }} | {{ .Digest }} |
{{ end }}`;
/** The longest title that all forges accept, in characters. */
const MAX_TITLE = 250;
const MAX_BODY = 60_000;

/** @throws Failure GitOperationFailed for a template that can't be used, RemovedTemplateField (stalled) */
export async function pullRequestTexts(
  { metadata, spec }: ImageUpdateAutomation,
  { title, body, labels = [], reviewers = [] }: PullRequestSpec,
  change: { files: readonly ChangedFile[]; chosen: ReadonlyMap<string, ImageRef> },
  { pool, signal }: { pool: RenderPool; signal: AbortSignal },
): Promise<PullRequestTexts> {
  const { namespace = '', name } = metadata;
  const texts = [
    { name: 'pull request title', text: title || TITLE },
    { name: 'pull request body', text: body || BODY },
    ...labels.map((text) => ({ name: 'label', text })),
    ...reviewers.map((text) => ({ name: 'reviewer', text })),
  ];
  const request = {
    templates: texts,
    automation: { namespace, name },
    values: spec.git?.commit.messageTemplateValues ?? {},
    files: change.files,
    images: changedImages(change.files, change.chosen),
  };
  try {
    const [made = '', text = '', ...rest] = await pool.texts(request, {
      tenant: namespace,
      signal,
    });
    const words = rest.map((it) => it.trim());
    const named = (from: number, to: number) => words.slice(from, to).filter((it) => it !== '');
    return {
      title: made.replace(/\s+/g, ' ').trim().slice(0, MAX_TITLE) || 'Update images',
      body: text.slice(0, MAX_BODY),
      labels: named(0, labels.length),
      reviewers: named(labels.length, words.length),
    };
  } catch (cause) {
    throw templateFailure(cause);
  }
}

export interface BranchState {
  head: string;
  base: string;
  /** The commit on the branch; undefined if the branch doesn't exist. */
  tip: string | undefined;
  /** The texts of the pull request; undefined if nothing changes. */
  texts: PullRequestTexts | undefined;
}

/**
 * Opens, changes or closes the pull request of a branch.
 * @returns what was done, in a few words; undefined for nothing
 * @throws Failure PullRequestFailed
 */
export async function reconcilePullRequest(
  forge: PullRequests,
  { head, base, tip, texts }: BranchState,
): Promise<string | undefined> {
  try {
    const there = await forge.find({ head, base });
    if (texts === undefined) {
      if (there?.state !== 'open') return undefined;
      await forge.close(there);
      return said('closed', there);
    }
    if (there?.state === 'open') {
      if (isSame(there.title, texts.title) && isSame(there.body, texts.body)) return undefined;
      await forge.update(there, texts);
      return said('updated', there);
    }
    // Somebody closed it without merging: it stays closed until there is another change.
    if (there?.state === 'closed' && isCommit(there.headCommit, tip)) return undefined;
    return said('opened', await forge.open({ head, base }, texts));
  } catch (cause) {
    throw pullRequestFailure(cause);
  }
}

function said(what: string, { number, url }: PullRequest): string {
  return `${what} pull request ${number}${url === '' ? '' : `: ${url}`}`;
}

/** Forges change line ends and surrounding white space, and one shortens long texts. */
function isSame(there: string, wanted: string): boolean {
  const plain = (text: string) => text.replace(/\r\n?/g, '\n').trim();
  const [is, shall] = [plain(there), plain(wanted)];
  return is === shall || (is.length > 3_900 && shall.startsWith(is));
}

function isCommit(shown: string, commit: string | undefined): boolean {
  return shown.length >= 7 && commit !== undefined && commit.startsWith(shown);
}
