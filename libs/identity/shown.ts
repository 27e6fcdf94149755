// Words of a service for a message: cut, on one line, and without anything that looks like a credential.

/** Characters of all the words. */
const MAX_SHOWN = 300;
/** Tokens and keys are long and have no blanks; names of roles, accounts and resources have separators. */
const LOOKS_SECRET = /[A-Za-z0-9+/_=-]{40,}/g;
const JWT = /eyJ[\w-]*(?:\.[\w-]*)+/g;

/** Puts words together as `code: message`. */
export function shown(words: readonly string[]): string {
  const text = words.filter((word) => word !== '').join(': ');
  return [...text.slice(0, 4 * MAX_SHOWN)]
    .map((char) => (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(char) ? ' ' : char))
    .join('')
    .replace(JWT, '*****')
    .replace(LOOKS_SECRET, (part) => (isName(part) ? part : '*****'))
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, MAX_SHOWN);
}

/** Paths and dashed words such as `role/team-a-image-reader-of-the-cluster-prod` are names. */
function isName(part: string): boolean {
  return part.split(/[/_=-]/).every((word) => word.length <= 24);
}
