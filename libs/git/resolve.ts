import { checkCommitId, checkRefName } from './arguments.ts';
import { GitError } from './errors.ts';
import { hasReferences, listRemote, type RemoteOptions, shownUrl } from './remote.ts';

/**
 * The revision that is wanted. The first field that is set, in this order, is used: commit, name, tag, semver, branch.
 */
export interface RefSpec {
  branch?: string;
  tag?: string;
  semver?: string;
  /** Full reference name, such as refs/pull/1/head. */
  name?: string;
  commit?: string;
}

export interface Resolved {
  commit: string;
  /** Full reference name that led to the commit; none for a commit without a branch. */
  ref?: string;
  /** The tag that led to the commit; `id` is that of the tag object, which only annotated tags have. */
  tag?: { name: string; id?: string };
  /** As Flux writes it: `main@sha1:<id>`, `v1.0.0@sha1:<id>`, `refs/pull/1/head@sha1:<id>`, `sha1:<id>`. */
  revision: string;
  /** The commits of other references that were asked for, by their full names. */
  others?: Map<string, string>;
}

/** Functions for resolving a version range; both are called only for `semver`. */
export interface VersionHelp {
  /** Of these tag names, those with the highest version within the range (Masterminds/semver). */
  highest(range: string, tags: string[]): Promise<string[]>;
  /** Commit times in ms, by commit id: among equal versions the tag of the youngest commit is chosen, as in Flux. */
  committedAt(commits: string[]): Promise<Map<string, number>>;
}

const defaultBranch = 'master';

/**
 * Finds the commit of a reference with one listing of the server's references.
 * @param others full names of further references to look up
 * @throws GitError ReferenceNotFound when the branch, tag, name or a version in the range doesn't exist
 */
export async function resolveRef(
  spec: RefSpec | undefined,
  remote: RemoteOptions,
  help: VersionHelp,
  others: readonly string[] = [],
): Promise<Resolved> {
  const url = shownUrl(remote);
  const plan = planRef(spec ?? {});
  const refs = await listRemote({ ...remote, refs: [...plan.refs, ...others] });
  const found = others.length === 0 ? {} : { others: onlyOf(refs, others) };
  if (plan.semver !== undefined) {
    return { ...(await highestVersion(plan.semver, refs, help)), ...found };
  }
  const tip = plan.ref === undefined ? undefined : peeled(refs, plan.ref);
  if (plan.ref !== undefined && tip === undefined) throw await missingRef(plan, url, remote);
  const commit = plan.commit ?? tip ?? '';
  return {
    commit,
    ...(plan.ref === undefined ? {} : { ref: plan.ref }),
    ...(plan.commit === undefined ? tagOf(refs, plan.ref ?? '') : {}),
    revision: formatRevision(plan.shown, commit),
    ...found,
  };
}

function onlyOf(refs: Map<string, string>, names: readonly string[]): Map<string, string> {
  return new Map([...refs].filter(([name]) => names.includes(name)));
}

const tagPrefix = 'refs/tags/';

function tagOf(refs: Map<string, string>, ref: string): Pick<Resolved, 'tag'> {
  if (!ref.startsWith(tagPrefix)) return {};
  const id = refs.has(`${ref}^{}`) ? refs.get(ref) : undefined;
  return { tag: { name: ref.slice(tagPrefix.length), ...(id === undefined ? {} : { id }) } };
}

interface RefPlan {
  /** What to list. */
  refs: string[];
  ref?: string;
  semver?: string;
  commit?: string;
  /** The reference as shown in the revision. */
  shown?: string;
  named?: boolean;
}

/**
 * Applies the precedence that Flux has: commit, name, tag, semver, branch (fluxcd/pkg git/gogit, Client.clone; its API
 * reference puts semver before tag, its code does not).
 */
function planRef(spec: RefSpec): RefPlan {
  if (spec.commit) return planCommit(spec, spec.commit);
  if (spec.name) {
    const shown = checkRefName(spec.name);
    const ref = shown.replace(/\^\{\}$/, '');
    return { refs: [ref], ref, shown, named: true };
  }
  if (spec.tag) {
    const ref = checkRefName(`refs/tags/${spec.tag}`);
    return { refs: [ref], ref, shown: spec.tag };
  }
  if (spec.semver) return { refs: ['refs/tags/*'], semver: spec.semver };
  const branch = spec.branch || defaultBranch;
  const ref = checkRefName(`refs/heads/${branch}`);
  return { refs: [ref], ref, shown: branch };
}

function planCommit(spec: RefSpec, id: string): RefPlan {
  const commit = checkCommitId(id);
  const branch = spec.branch ? checkRefName(`refs/heads/${spec.branch}`) : undefined;
  const shown = spec.name ? checkRefName(spec.name) : spec.branch;
  return {
    refs: [branch ?? 'HEAD'],
    commit,
    ...(branch === undefined ? {} : { ref: branch }),
    ...(shown ? { shown } : {}),
  };
}

/** Prefixes a commit with its algorithm and the reference (fluxcd/pkg git, Commit.String and AbsoluteReference). */
export function formatRevision(shown: string | undefined, commit: string): string {
  const digest = `${commit.length === 64 ? 'sha256' : 'sha1'}:${commit}`;
  return shown === undefined ? digest : `${shown}@${digest}`;
}

function peeled(refs: Map<string, string>, ref: string): string | undefined {
  return refs.get(`${ref}^{}`) ?? refs.get(ref);
}

async function missingRef(plan: RefPlan, url: string, remote: RemoteOptions): Promise<GitError> {
  if (plan.named) {
    return new GitError(
      'ReferenceNotFound',
      `unable to resolve ref '${plan.shown}' to a specific commit`,
    );
  }
  const isEmpty = !(await hasReferences(remote));
  if (isEmpty && plan.ref === `refs/heads/${plan.shown}` && plan.commit === undefined) {
    return new GitError('ReferenceNotFound', 'git repository is empty');
  }
  const what = isEmpty ? 'remote repository is empty' : `couldn't find remote ref "${plan.ref}"`;
  return new GitError('ReferenceNotFound', `unable to clone: ${what}: git repository: '${url}'`);
}

async function highestVersion(
  range: string,
  refs: Map<string, string>,
  help: VersionHelp,
): Promise<Resolved> {
  const tags = [...refs.keys()]
    .filter((ref) => ref.startsWith(tagPrefix) && !ref.endsWith('^{}'))
    .map((ref) => ref.slice('refs/tags/'.length));
  const candidates = tags.length === 0 ? [] : await help.highest(range, tags);
  const tag = candidates.length > 1 ? await youngest(candidates, refs, help) : candidates[0];
  const commit = tag === undefined ? undefined : peeled(refs, `refs/tags/${tag}`);
  if (tag === undefined || commit === undefined) {
    throw new GitError(
      'ReferenceNotFound',
      `no match found for semver: ${range} (${await versionsThere(tags, help)})`,
    );
  }
  const ref = `${tagPrefix}${tag}`;
  return { commit, ref, ...tagOf(refs, ref), revision: formatRevision(tag, commit) };
}

const ALL_VERSIONS = '>=0.0.0-0';

/** What to correct a range by. */
async function versionsThere(tags: string[], help: VersionHelp): Promise<string> {
  const [highest] = tags.length === 0 ? [] : await help.highest(ALL_VERSIONS, tags);
  return highest === undefined ? 'no tag is a version' : `the highest version is ${highest}`;
}

/** Each of them is fetched to learn its time. */
const MAX_EQUAL_VERSIONS = 50;

async function youngest(
  tags: string[],
  refs: Map<string, string>,
  help: VersionHelp,
): Promise<string | undefined> {
  const commitOf = (tag: string) => peeled(refs, `refs/tags/${tag}`) ?? '';
  const commits = new Set(tags.map(commitOf));
  if (commits.size > MAX_EQUAL_VERSIONS) {
    const many = `more than ${MAX_EQUAL_VERSIONS} tags have the same version as '${tags[0]}'`;
    throw new GitError('LimitExceeded', `${many}: name the tag with spec.ref.tag`);
  }
  const times = await help.committedAt([...commits]);
  const time = (tag: string) => times.get(commitOf(tag)) ?? 0;
  // The name decides last, so that every replica chooses the same.
  return tags.toSorted((a, b) => time(a) - time(b) || (a < b ? -1 : 1)).at(-1);
}
