/** The authentication that a server requires by an answer 401 (RFC 9110, 11.6.1). */
export interface Challenge {
  scheme: 'basic' | 'bearer';
  parameters: ReadonlyMap<string, string>;
}

const MAX_LENGTH = 8 * 1024;
const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/y;

/**
 * The first challenge of a `WWW-Authenticate` header that registries use; there may be others such as `Negotiate`. Node
 * joins several headers with commas.
 */
export function parseChallenge(header: string | undefined): Challenge | undefined {
  if (header === undefined || header.length > MAX_LENGTH) return undefined;
  return readChallenges(header).find(isKnown);
}

interface AnyChallenge {
  scheme: string;
  parameters: Map<string, string>;
}

function isKnown(challenge: AnyChallenge): challenge is AnyChallenge & Challenge {
  return challenge.scheme === 'basic' || challenge.scheme === 'bearer';
}

function readChallenges(header: string): AnyChallenge[] {
  const challenges: AnyChallenge[] = [];
  let at = 0;
  const skip = (pattern: RegExp) => {
    pattern.lastIndex = at;
    at += pattern.exec(header)?.[0].length ?? 0;
  };
  const read = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(header);
    if (match) at += match[0].length;
    return match;
  };
  while (at < header.length) {
    skip(/[\s,]+/y);
    const word = read(TOKEN)?.[0];
    if (word === undefined) break;
    skip(/[ \t]+/y);
    const current = challenges.at(-1);
    if (header[at] === '=' && current !== undefined) {
      at++;
      skip(/[ \t]+/y);
      const value = read(QUOTED)?.[1]?.replace(/\\(.)/g, '$1') ?? read(TOKEN)?.[0];
      if (value === undefined) break;
      current.parameters.set(word.toLowerCase(), value);
    } else {
      challenges.push({ scheme: word.toLowerCase(), parameters: new Map() });
    }
  }
  return challenges;
}
