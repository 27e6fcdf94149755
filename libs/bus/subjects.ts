/** The object that a message is about. `group` may be an apiVersion: what follows the slash is ignored. */
export interface SubjectRef {
  group: string;
  kind: string;
  /** Empty for an object that belongs to no namespace. */
  namespace: string;
  name: string;
}

const PLAIN = /^[A-Za-z0-9_-]$/;
const EMPTY = '-';

/**
 * Encodes any string as one token of a NATS subject: characters that are special in a subject (dots, wildcards, white
 * space, everything beyond ASCII) are percent-encoded. `tokenText` decodes it.
 */
export function subjectToken(text: string): string {
  if (text === '') return EMPTY;
  if (text === EMPTY) return '%2D';
  let token = '';
  for (const char of text) token += PLAIN.test(char) ? char : percent(char);
  return token;
}

function percent(char: string): string {
  const hex = Buffer.from(char, 'utf8').toString('hex').toUpperCase();
  return hex.replace(/../g, '%$&');
}

/** The string that a token encodes. Throws a URIError for what `subjectToken` can't have made. */
export function tokenText(token: string): string {
  return token === EMPTY ? '' : decodeURIComponent(token);
}

/** The tokens that name an object: kind with group, namespace, name. */
export function objectTokens({ group, kind, namespace, name }: SubjectRef): string[] {
  return [subjectToken(kindGroup(kind, group)), subjectToken(namespace), subjectToken(name)];
}

/** `Kind.group`, or just the kind for the core group. */
export function kindGroup(kind: string, group: string): string {
  const bare = group.includes('/') ? group.slice(0, group.indexOf('/')) : group;
  return bare === '' || bare === 'v1' ? kind : `${kind}.${bare}`;
}
