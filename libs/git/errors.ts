export type GitReason =
  | 'AuthenticationFailed'
  | 'AuthorizationFailed'
  | 'RepositoryNotFound'
  | 'ReferenceNotFound'
  | 'Redirected'
  | 'InvalidArgument'
  | 'LimitExceeded'
  | 'Timeout'
  | 'Aborted'
  | 'GitOperationFailed';

/** A failed Git operation. The message names the URL without its credentials and never holds a secret. */
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
  /** What to say instead of git's own words; without it git's words are kept. */
  message?: string;
}

// Wordings of git 2.30 to 2.5x in the C locale; those for authentication, authorization and a missing or empty
// repository are turned into go-git's, which is what Flux's users (and their alert rules) know.
const symptoms: Symptom[] = [
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

/**
 * Turns what git wrote to standard error into an error with a reason.
 * @param doing the start of the message, such as "unable to list remote for 'https://...'"
 * @param output git's standard error; `secrets` in it are masked
 */
export function explainFailure(
  doing: string,
  output: string,
  secrets: readonly string[] = [],
): GitError {
  const text = mask(output, secrets);
  const symptom = symptoms.find(({ pattern }) => pattern.test(text));
  return new GitError(
    symptom?.reason ?? 'GitOperationFailed',
    `${doing}: ${symptom?.message ?? tellingLines(text)}`,
  );
}

/** Replaces secrets, and the user information of any URL, by asterisks. */
export function mask(text: string, secrets: readonly string[]): string {
  const masked = secrets
    .filter((secret) => secret.length > 0)
    .sort((a, b) => b.length - a.length)
    .reduce((rest, secret) => rest.replaceAll(secret, '*****'), text);
  return masked.replace(/([a-z][a-z0-9+.-]*:\/\/)[^/@\s']+@/gi, '$1*****@');
}

/** Keeps the lines that say why: git repeats itself ("fatal: ..." after "error: ...") and adds general advice. */
function tellingLines(output: string): string {
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('hint:') && !line.startsWith('warning:'));
  const fatal = lines.filter((line) => /^(fatal|error|remote):/.test(line));
  const chosen = (fatal.length > 0 ? fatal : lines).map((line) =>
    line.replace(/^(fatal|error|remote):\s*/, ''),
  );
  const reason = [...new Set(chosen)].join('; ').slice(0, 2000);
  // Durations would make the same failure a new one each time.
  return reason.replace(/ after \d+ (ms|milliseconds)\b/g, '') || 'git gave no reason';
}
