// Pull requests, which GitLab calls merge requests, as all forges have them.
import type { ForgeCall } from '../call.ts';
import type { ForgeCredentials } from '../credentials.ts';
import { ForgeError } from '../errors.ts';
import type { ForgeRepository } from '../repository.ts';

/** The repository whose branch `head` is to be merged into its branch `base`. */
export interface PullRequestAccess {
  call: ForgeCall;
  repository: ForgeRepository;
  credentials: ForgeCredentials;
  /** Address of the API; made from the repository's unless given. */
  apiUrl?: string | undefined;
}

export interface Branches {
  head: string;
  base: string;
}

export interface PullRequestTexts {
  title: string;
  body: string;
  labels: readonly string[];
  reviewers: readonly string[];
}

export interface PullRequest {
  number: number;
  state: 'open' | 'closed' | 'merged';
  title: string;
  body: string;
  /** The commit of its branch, as far as the forge says it; some shorten it. */
  headCommit: string;
  /** For people. */
  url: string;
}

/** Every call rejects with what `call` rejects with, and with a ForgeError for an answer that can't be read. */
export interface PullRequests {
  /** The open one for these branches, or the one that was closed or merged last. */
  find(branches: Branches): Promise<PullRequest | undefined>;
  open(branches: Branches, texts: PullRequestTexts): Promise<PullRequest>;
  update(pullRequest: PullRequest, texts: PullRequestTexts): Promise<void>;
  close(pullRequest: PullRequest): Promise<void>;
}

/** The open one comes first, then the newest. */
export function mostRelevant(found: readonly PullRequest[]): PullRequest | undefined {
  const newestFirst = found.toSorted((a, b) => b.number - a.number);
  return newestFirst.find(({ state }) => state === 'open') ?? newestFirst[0];
}

/** A field of an answer, or an object in one; empty where there is none. */
export function fieldOf(value: unknown, ...path: string[]): unknown {
  return path.reduce<unknown>(
    (at, name) =>
      typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[name] : undefined,
    value,
  );
}

export function textOf(value: unknown, ...path: string[]): string {
  const found = fieldOf(value, ...path);
  return typeof found === 'string' ? found : '';
}

/** @throws ForgeError for what isn't a positive whole number: it becomes a part of a URL */
export function numberOf(value: unknown, ...path: string[]): number {
  const found = fieldOf(value, ...path);
  if (typeof found === 'number' && Number.isSafeInteger(found) && found > 0) return found;
  throw new ForgeError('the answer of the API names no pull request');
}

/** A page for people, if the answer has one that can be a link. */
export function linkOf(value: unknown, ...path: string[]): string {
  const found = textOf(value, ...path);
  return /^https?:\/\/[\x21-\x7e]{1,2000}$/.test(found) ? found : '';
}
