// Pull requests (merge requests in GitLab) in a form that all forges have.
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
  /** The commit of its branch, if the forge says it; some shorten it. */
  headCommit: string;
  /** URL of the page for people. */
  url: string;
}

/** Every call rejects like `call`, and with a ForgeError for an answer that can't be read. */
export interface PullRequests {
  /** The open pull request for these branches, or the one that was closed or merged last. */
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

/** A field of an answer, or of a nested object; an empty object if it is missing. */
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

/** @throws ForgeError for anything but a positive whole number, because it becomes part of a URL */
export function numberOf(value: unknown, ...path: string[]): number {
  const found = fieldOf(value, ...path);
  if (typeof found === 'number' && Number.isSafeInteger(found) && found > 0) return found;
  throw new ForgeError('the answer of the API names no pull request');
}

/** The URL of a page for people, if the answer has a valid one. */
export function linkOf(value: unknown, ...path: string[]): string {
  const found = textOf(value, ...path);
  return /^https?:\/\/[\x21-\x7e]{1,2000}$/.test(found) ? found : '';
}
