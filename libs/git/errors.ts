import type { GitLimits } from './limits.ts';
import { cleanLine, mask } from './mask.ts';

export type GitReason =
  | 'AuthenticationFailed'
  | 'AuthorizationFailed'
  | 'RepositoryNotFound'
  | 'ReferenceNotFound'
  | 'Redirected'
  | 'ReferenceMoved'
  | 'PushRefused'
  | 'AddressRefused'
  | 'Unreachable'
  | 'SignatureInvalid'
  | 'InvalidArgument'
  | 'LimitExceeded'
  | 'Timeout'
  | 'Aborted'
  | 'GitOperationFailed';

/** A failed Git operation. The message names the URL without its credentials and never holds a secret; see explainFailure(). */
export class GitError extends Error {
  readonly reason: GitReason;

  constructor(reason: GitReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'GitError';
    this.reason = reason;
  }
}

interface Symptom {
  pattern: RegExp;
  reason: GitReason;
  /** The message in place of git's; without it git's message is kept. */
  message?: string | ((match: RegExpExecArray) => string);
  /** The limit that was reached. */
  limit?: keyof GitLimits;
}

// Messages of git 2.30 to 2.5x in the C locale. Those about authentication, authorization and a missing or empty
// repository are replaced by go-git's, which Flux's users (and their alert rules) know.
const symptoms: Symptom[] = [
  {
    pattern:
      /! \[(?:remote )?rejected\] .* -> (\S+) \((?:stale info|fetch first|non-fast-forward|needs force|remote ref updated since checkout|reference already exists|failed to update ref|incorrect old value provided|cannot lock ref .*)\)/,
    reason: 'ReferenceMoved',
    message: ([, ref]) => `command error on ${ref}: it has moved meanwhile`,
  },
  {
    pattern: /! \[remote rejected\] .* -> (\S+) \((.*)\)/,
    reason: 'PushRefused',
    message: ([, ref, why = '']) => `command error on ${ref}: ${refusal(why)}`,
  },
  {
    pattern: /Out of memory|memory exhausted|mmap failed|unable to create thread/i,
    reason: 'LimitExceeded',
    message: 'git needs more memory than it may take',
    limit: 'memoryBytes',
  },
  {
    pattern: /File too large/,
    reason: 'LimitExceeded',
    message: 'the pack that the server sends is too large',
    limit: 'fileBytes',
  },
  {
    pattern:
      /could not read (Username|Password)|Authentication failed|returned error: 401|invalid credentials/i,
    reason: 'AuthenticationFailed',
    message: 'authentication required',
  },
  {
    pattern: /returned error: 403/,
    reason: 'AuthorizationFailed',
    message: 'authorization failed',
  },
  {
    pattern:
      /repository '.*' not found|returned error: 404|does not appear to be a git repository|not valid: is this a git repository/i,
    reason: 'RepositoryNotFound',
    message: 'repository not found',
  },
  {
    pattern: /returned error: 30[1278]/,
    reason: 'Redirected',
    message: 'the server redirects to another address',
  },
  {
    pattern: /couldn't find remote ref|no such remote ref|not our ref|unadvertised object/i,
    reason: 'ReferenceNotFound',
  },
];

/** The flag that raises a limit, for messages that name the limit. */
const raisedBy = {
  memoryBytes: 'its limit is %d bytes a process (--git-max-memory-bytes)',
  fileBytes: 'its limit is %d bytes (--git-max-pack-bytes)',
};

/** The longest text from outside in a message, in characters. */
const MAX_QUOTED = 500;

/**
 * Turns git's standard error into an error with a reason. What the server said is left out: any HTTP service may have
 * answered, and the author of the URL sees the message. git's own text is cleaned and bounded.
 * @param doing the start of the message, such as "unable to list remote for 'https://...'"
 * @param output git's standard error; `secrets` in it are masked
 */
export function explainFailure(
  doing: string,
  output: string,
  { secrets = [], limits }: { secrets?: readonly string[] | undefined; limits?: GitLimits } = {},
): GitError {
  // A secret may be a word that git uses, so git's text is interpreted before anything in it is masked.
  const text = linesOfGit(output).join('\n');
  const [symptom, match] = symptoms
    .map((it) => [it, it.pattern.exec(text)] as const)
    .find(([, found]) => found !== null) ?? [undefined, null];
  const { reason = 'GitOperationFailed', limit } = symptom ?? {};
  const bound = limit && limits && raisedBy[limit].replace('%d', String(limits[limit]));
  const said = wordsOf(symptom, match, { text, masked: (words) => mask(words, secrets) });
  return new GitError(reason, `${mask(doing, secrets)}: ${said}${bound ? `: ${bound}` : ''}`);
}

function wordsOf(
  symptom: Symptom | undefined,
  match: RegExpExecArray | null,
  { text, masked }: { text: string; masked(words: string): string },
): string {
  const { message } = symptom ?? {};
  if (typeof message === 'string') return message;
  return masked(message === undefined || match === null ? tellingLines(text) : message(match));
}

/** Reasons for refusing a push that git itself and the well-known hosting services give. */
const REFUSALS =
  /^(?:(?:pre-receive |protected branch |update )?hook declined|TF402455|deny(?:ing)? .*|hidden ref.*|shallow update not allowed|unpacker error|branch is currently checked out|funny refname|prohibited by Gerrit.*|atomic (?:transaction|push) fail.*)/;

/** Why a server refused, if it is one of the known reasons; other texts may come from anybody. */
function refusal(why: string): string {
  const known = REFUSALS.exec(why)?.[0];
  return known === undefined ? 'the server refuses the update' : cleanLine(known, 100);
}

/** The lines that git wrote itself, without quotes of the server's answer. */
function linesOfGit(output: string): string[] {
  return output
    .split(/[\n\r]/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^(remote|hint|warning):/.test(line))
    .map((line) =>
      line
        .replace(/(invalid server response); got '.*/, '$1')
        .replace(/(bad line length character): .*/, '$1')
        .replace(/(expected [\w/ -]+), (got|received) '.*/, '$1'),
    );
}

/** A server's own error line (ERR) that git repeats, unless git's servers write it. */
const REMOTE_ERROR = /^remote error: (?!upload-pack: not our ref [0-9a-f]{40,64}$).*/;

/** Keeps the lines with the cause: git repeats itself ("fatal: ..." after "error: ...") and adds general advice. */
function tellingLines(text: string): string {
  const lines = text.split('\n').filter((line) => line !== '');
  const fatal = lines.filter((line) => /^(fatal|error):/.test(line));
  const chosen = (fatal.length > 0 ? fatal : lines).map((line) =>
    line.replace(/^(fatal|error):\s*/, '').replace(REMOTE_ERROR, 'the server reports an error'),
  );
  // With its duration, the same failure would be another message each time.
  const reason = [...new Set(chosen)].join('; ').replace(/ after \d+ (ms|milliseconds)\b/g, '');
  return cleanLine(reason, MAX_QUOTED) || 'git gave no reason';
}
