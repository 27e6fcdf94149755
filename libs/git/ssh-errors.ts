// Translates ssh's messages into those of Go's SSH client, which Flux's users know.
import { GitError, type GitReason } from './errors.ts';
import type { SshServer } from './ssh-config.ts';

interface Symptom {
  pattern: RegExp;
  reason: GitReason;
  /** What to say; `$1` is what the pattern's first group matched. */
  message: string;
}

// Messages of OpenSSH 8.4 to 10. Only those listed here are shown, because other lines may quote the server.
const symptoms: Symptom[] = [
  {
    pattern: /host key is known for .* strict checking|No \S+ host key is known/i,
    reason: 'AuthenticationFailed',
    message:
      "ssh: handshake failed: knownhosts: key is unknown: 'known_hosts' has no key of %host for the algorithms that it offers (ssh-keyscan prints them; compare them with what its operator publishes)",
  },
  {
    pattern: /revoked|REVOKED/,
    reason: 'AuthenticationFailed',
    message:
      "ssh: handshake failed: knownhosts: key is revoked: 'known_hosts' marks the key of %host as revoked",
  },
  {
    pattern:
      /HOST IDENTIFICATION HAS CHANGED|Host key for .* has changed|offending|differs from the key/i,
    reason: 'AuthenticationFailed',
    message:
      "ssh: handshake failed: knownhosts: key mismatch: %host has another key than 'known_hosts' says: find out why before you replace it",
  },
  {
    pattern: /Certificate invalid|certificate .*not (yet )?valid|Certificate .*expired/i,
    reason: 'AuthenticationFailed',
    message: 'ssh: handshake failed: the host certificate of %host is not valid for it, or not now',
  },
  {
    pattern: /Host key verification failed/,
    reason: 'AuthenticationFailed',
    message:
      "ssh: handshake failed: knownhosts: the key of %host is not one that 'known_hosts' accepts",
  },
  {
    pattern: /Load key .*: (?:invalid format|error in libcrypto|unknown or unsupported key type)/,
    reason: 'AuthenticationFailed',
    message: "ssh: the key in 'identity' is no private key that OpenSSH reads",
  },
  {
    pattern: /Permission denied|Too many authentication failures/,
    reason: 'AuthenticationFailed',
    message:
      'ssh: handshake failed: ssh: unable to authenticate, attempted methods [none publickey], no supported methods remain: %host does not accept the key for this user',
  },
  {
    pattern: /no matching (host key type|key exchange method|cipher|MAC) found/,
    reason: 'GitOperationFailed',
    message: 'ssh: handshake failed: no common $1 with %host',
  },
  {
    pattern:
      /connect to (?:host|address) .*: (Connection refused|Connection timed out|No route to host|Network is unreachable|Operation timed out|Host is unreachable|Address not available|Cannot assign requested address)/,
    reason: 'Unreachable',
    message: 'dial tcp %address: $1',
  },
  {
    pattern: /(timed out during banner exchange|Connection timed out|not responding)/,
    reason: 'Unreachable',
    message: 'ssh: %host does not answer',
  },
  {
    pattern:
      /Connection (closed|reset)|Received disconnect|Broken pipe|Disconnected|banner exchange|kex_exchange|protocol (mismatch|version)|packet/i,
    reason: 'GitOperationFailed',
    message: 'ssh: handshake failed: %host ended the connection, or does not speak SSH',
  },
];

/**
 * Makes an error from what ssh wrote about a failed conversation.
 * @returns undefined when ssh wrote nothing, so that git's own message is used
 */
export function explainSsh(doing: string, log: string, server: SshServer): GitError | undefined {
  const host = server.port === 22 ? server.host : `${server.host}:${server.port}`;
  const address = `${server.address.includes(':') ? `[${server.address}]` : server.address}:${server.port}`;
  for (const { pattern, reason, message } of symptoms) {
    const match = pattern.exec(log);
    if (match === null) continue;
    const text = message
      .replaceAll('%host', `'${host}'`)
      .replaceAll('%address', address)
      .replace('$1', (match[1] ?? '').toLowerCase());
    return new GitError(reason, `${doing}: ${text}`);
  }
  if (log.trim() !== '') return undefined;
  const why = 'repository not found, or the key has no access to it';
  return new GitError('RepositoryNotFound', `${doing}: ${why}`);
}
