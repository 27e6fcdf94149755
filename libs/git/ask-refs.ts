// Asks a server for a few references without a process of git, because starting git and its HTTP helper takes most of
// the time of reading a branch. Only the two requests of gitprotocol-v2 are implemented; git is run wherever something
// else is needed. A server's capabilities are requested once an hour: each request is independent (stateless-rpc), so
// the second one alone is enough.
import { once } from 'node:events';
import { Agent as HttpAgent, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { createBoundedMap } from '@weir/async';
import { openRequest, readBounded } from '@weir/net';
import { authorization, type GitAuth, nodeTls } from './auth.ts';
import { type Destination, fixedResolver, type NetworkPolicy } from './destination.ts';
import { DELIMITER, FLUSH, type Packet, packet, readPackets } from './packets.ts';

export interface AskOptions {
  destination: Destination;
  /** Full names; `refs/tags/*` for all tags. */
  refs: readonly string[];
  auth: GitAuth | undefined;
  network: NetworkPolicy | undefined;
  signal: AbortSignal;
}

export type Asked =
  /** As `git ls-remote` prints them. */
  | { output: string }
  /** The server refuses, or redirects. */
  | { status: number };

const SERVICE = 'git-upload-pack';
/** Bytes of a server's capabilities, which are some hundreds. */
const MAX_CAPABILITIES = 64 * 1024;
/** Bytes of the references. Few begin with what was asked for; otherwise git reads them. */
const MAX_REFS = 1024 ** 2;
/** Statuses that have the same meaning for every client. */
const TELLING = new Set([301, 302, 307, 308, 401, 403, 404]);
const TAGS = 'refs/tags/';
const REMEMBERED = 10_000;
const HOUR_MS = 60 * 60_000;

/**
 * Servers that support this, by the URL of the repository, with the format of object ids; empty if the server doesn't
 * say. If a tenant's proxy lied about a URL, that does no harm: a wrong format costs a request.
 */
const known = createBoundedMap<string, { format: string; untilMs: number }>({ max: REMEMBERED });

/**
 * Undefined if git has to be run.
 * @throws AbortError when the signal aborts
 */
export async function askRefs(options: AskOptions): Promise<Asked | undefined> {
  const { destination, signal } = options;
  const { url, route, proxy } = destination;
  // URLs with a query, and proxies with other protocols, are left to git.
  if (!/^https?:/.test(url) || url.includes('?')) return undefined;
  if (route !== undefined && proxy === undefined) return undefined;
  const agent = url.startsWith('https:')
    ? new HttpsAgent({ keepAlive: true, ...nodeTls(options.auth) })
    : new HttpAgent({ keepAlive: true });
  try {
    return await converse(options, agent);
  } catch (error) {
    if (signal.aborted) throw error;
    // git is run in that case, and reports what is wrong with the connection.
    return undefined;
  } finally {
    agent.destroy();
  }
}

async function converse(options: AskOptions, agent: HttpAgent): Promise<Asked | undefined> {
  const { url } = options.destination;
  const before = known.get(url);
  if (before !== undefined && before.untilMs > performance.now()) {
    const output = await listRefs(options, agent, before.format);
    if (output !== undefined) return { output };
  }
  known.delete(url);
  const hello = await send(options, agent, `info/refs?service=${SERVICE}`);
  if (TELLING.has(hello.statusCode ?? 0)) {
    hello.destroy();
    return { status: hello.statusCode ?? 0 };
  }
  const capabilities = await packetsOf(hello, 'advertisement', MAX_CAPABILITIES);
  const format = capabilities && formatOf(capabilities);
  if (format === undefined) return undefined;
  const output = await listRefs(options, agent, format);
  if (output === undefined) return undefined;
  known.set(url, { format, untilMs: performance.now() + HOUR_MS });
  return { output };
}

/** Asks with one request. Undefined if the answer is no list. */
async function listRefs(
  options: AskOptions,
  agent: HttpAgent,
  format: string,
): Promise<string | undefined> {
  const question = [
    packet('command=ls-refs'),
    ...(format === '' ? [] : [packet(`object-format=${format}`)]),
    DELIMITER,
    packet('peel'),
    ...options.refs.map((ref) => packet(`ref-prefix ${ref.replace(/(\*|\^\{\})$/, '')}`)),
    FLUSH,
  ].join('');
  const answer = await send(options, agent, SERVICE, question);
  const lines = await packetsOf(answer, 'result', MAX_REFS);
  return lines && outputOf(lines, options.refs);
}

async function send(
  { destination, auth, network, signal }: AskOptions,
  agent: HttpAgent,
  path: string,
  body?: string,
): Promise<IncomingMessage> {
  const { proxy, addresses } = destination;
  const url = new URL(`${destination.url.replace(/\/$/, '')}/${path}`);
  const header = auth && authorization(auth);
  const headers: OutgoingHttpHeaders = {
    'User-Agent': 'git/2 weir',
    'Accept-Encoding': 'identity',
    'Git-Protocol': 'version=2',
    ...(header ? { Authorization: header } : {}),
    ...(body === undefined
      ? {}
      : {
          'Content-Type': `application/x-${SERVICE}-request`,
          Accept: `application/x-${SERVICE}-result`,
          'Content-Length': Buffer.byteLength(body),
        }),
  };
  const request = openRequest(
    url,
    {
      ...{ method: body === undefined ? 'GET' : 'POST', headers, signal },
      ...(proxy === undefined ? { agent } : nodeTls(auth)),
    },
    { allowLocal: network?.allowLocal, proxy, resolver: fixedResolver(addresses) },
  );
  // The connection may still break while the answer is read; the reader gets that error.
  request.on('error', () => undefined);
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return response;
}

async function packetsOf(
  answer: IncomingMessage,
  what: 'advertisement' | 'result',
  maxBytes: number,
): Promise<Packet[] | undefined> {
  const { statusCode, headers } = answer;
  if (statusCode === 200 && headers['content-type'] === `application/x-${SERVICE}-${what}`) {
    return readPackets(await readBounded(answer, maxBytes));
  }
  answer.destroy();
  return undefined;
}

/** The format of object ids, if the server speaks version 2 and lists references in it; empty if it doesn't say. */
function formatOf(packets: Packet[]): string | undefined {
  const lines = packets.filter((it) => typeof it === 'string');
  const from = lines.indexOf('version 2');
  const capabilities = from < 0 ? [] : lines.slice(from + 1);
  if (!capabilities.some((it) => /^ls-refs(=|$)/.test(it))) return undefined;
  const format = capabilities.find((it) => it.startsWith('object-format='));
  return format === undefined ? '' : /=(sha1|sha256)$/.exec(format)?.[1];
}

const LINE = /^([0-9a-f]{40}|[0-9a-f]{64}) (\S+)(?: peeled:([0-9a-f]{40}|[0-9a-f]{64}))?$/;

/** Undefined unless the list is complete. */
function outputOf(packets: Packet[], wanted: readonly string[]): string | undefined {
  const last = packets.pop();
  if (typeof last !== 'object' || last.mark !== 'flush') return undefined;
  const names = new Set(wanted.map((ref) => ref.replace(/\^\{\}$/, '')));
  const isWanted = (name: string) =>
    names.has(name) || (names.has(`${TAGS}*`) && name.startsWith(TAGS));
  let output = '';
  for (const line of packets) {
    const match = typeof line === 'string' ? LINE.exec(line) : null;
    if (match === null) return undefined;
    const [, id, name = '', peeled] = match;
    if (!isWanted(name)) continue;
    output += `${id}\t${name}\n`;
    if (peeled !== undefined) output += `${peeled}\t${name}^{}\n`;
  }
  return output;
}
