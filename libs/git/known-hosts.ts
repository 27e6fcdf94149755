// Which lines of known_hosts are about a server (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT), as Go's SSH client reads them.
import { createHmac } from 'node:crypto';

/**
 * The lines for a host and port, with the plain host in place of their patterns and hashes. ssh gets these and looks
 * for that host: it checks a host certificate under the same name, and certificates name hosts without a port. A line
 * that can't be parsed matches no host.
 */
export function linesAbout(knownHosts: string, host: string, port: number): string {
  return knownHosts
    .split(/\r?\n/)
    .flatMap((line) => {
      const [, marker, names, key] = lineForm.exec(line.trim()) ?? [];
      if (names === undefined || key === undefined || !isAbout(names, host, port)) return [];
      return `${marker ?? ''}${host.toLowerCase()} ${key}\n`;
    })
    .join('');
}

/** A marker, the names, then the type and the key; a comment is left out. */
const lineForm =
  /^(@(?:cert-authority|revoked)[ \t]+)?([^@#\s]\S*)[ \t]+(\S+[ \t]+[A-Za-z0-9+/=]+)/;

function isAbout(names: string, host: string, port: number): boolean {
  if (names.startsWith('|')) return isHashOf(names, host, port);
  let found = false;
  for (const name of names.split(',')) {
    const negated = name.startsWith('!');
    if (!matches(negated ? name.slice(1) : name, host, port)) continue;
    // A negated pattern that matches excludes the host from its line.
    if (negated) return false;
    found = true;
  }
  return found;
}

/** `|1|salt|hash`: an HMAC-SHA1 of the name. */
function isHashOf(text: string, host: string, port: number): boolean {
  const [, version, salt, hash, rest] = text.split('|');
  if (version !== '1' || salt === undefined || hash === undefined || rest !== undefined) {
    return false;
  }
  const lower = host.toLowerCase();
  const plain = lower.includes(':') ? [lower, `[${lower}]`] : [lower];
  const forms = port === 22 ? plain : [`[${lower}]:${port}`];
  const key = Buffer.from(salt, 'base64');
  return forms.some((form) => createHmac('sha1', key).update(form).digest('base64') === hash);
}

/** A pattern is about port 22 unless it names another one: `[pattern]:port`. */
function matches(pattern: string, host: string, port: number): boolean {
  const [, inBrackets, ownPort] = /^\[([^\]]*)\](?::(\d{1,5}))?$/.exec(pattern) ?? [];
  if (Number(ownPort ?? 22) !== port) return false;
  return matchesWildcards((inBrackets ?? pattern).toLowerCase(), host.toLowerCase());
}

/** `*` stands for any characters, `?` for one. It takes no more steps than the product of both lengths. */
function matchesWildcards(pattern: string, text: string): boolean {
  let [at, from, star, starAt] = [0, 0, -1, 0];
  while (from < text.length) {
    if (pattern[at] === '*') {
      star = at++;
      starAt = from;
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === text[from])) {
      at += 1;
      from += 1;
    } else if (star >= 0) {
      at = star + 1;
      from = ++starAt;
    } else return false;
  }
  while (pattern[at] === '*') at += 1;
  return at === pattern.length;
}
