import { parse } from 'yaml';

/** A larger text is refused before it is parsed, which takes time by the square of its length. */
const MAX_BYTES = 16 * 1024;
const MAX_HEADERS = 100;

// RFC 9110, 5.1 and 5.5: a token, and visible characters with blanks and tabs between them.
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Headers of the connection and of the message's framing, which are the client's: Go's leaves them out as well. */
const OF_THE_CLIENT = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Why `headers` of a Secret can't be used. The message quotes nothing of them, as they hold credentials. */
export class InvalidHeaders extends Error {
  override readonly name = 'InvalidHeaders';
  readonly reason = 'InvalidProvider';
}

/**
 * Reads the YAML map of header names to values in a Secret (Flux's Provider spec, "headers"). Values are texts, numbers
 * or booleans. Throws InvalidHeaders for more than 16 KiB, more than 100 headers, and for what is no header.
 */
export function parseHeaders(text: string): Record<string, string> {
  if (Buffer.byteLength(text) > MAX_BYTES) {
    throw new InvalidHeaders(`is larger than ${MAX_BYTES} bytes`);
  }
  const map = parseYaml(text);
  if (map === null) return {};
  if (typeof map !== 'object' || Array.isArray(map)) {
    throw new InvalidHeaders('must be a YAML map of names to values');
  }
  const entries = Object.entries(map);
  if (entries.length > MAX_HEADERS)
    throw new InvalidHeaders(`has more than ${MAX_HEADERS} entries`);
  return Object.fromEntries(
    entries
      .map(([name, value], index) => [name, readValue(name, value, index)] as const)
      .filter(([name]) => !OF_THE_CLIENT.has(name.toLowerCase())),
  );
}

function parseYaml(text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 0, logLevel: 'error' });
  } catch (error) {
    // The parser's message quotes the line, which may hold a credential: it is left out.
    throw new InvalidHeaders('is not valid YAML without aliases', { cause: error });
  }
}

function readValue(name: string, value: unknown, index: number): string {
  const text = ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : undefined;
  if (!NAME.test(name) || text === undefined || !VALUE.test(text)) {
    throw new InvalidHeaders(`has no valid header as entry ${index + 1}`);
  }
  return text;
}
