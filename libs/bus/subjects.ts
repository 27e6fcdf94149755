/** What a message is about. `group` may be an apiVersion: what follows the slash is not used. */
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
 * One token of a NATS subject for any string: what could mean something in a subject (dots, wildcards,
 * white space, anything beyond ASCII) is percent-encoded. `tokenText` is the way back.
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

/** The string that a token stands for. Throws a URIError for what `subjectToken` can't have made. */
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
