import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';

export interface CgiProgram {
  command: string;
  args: string[];
  /** The whole environment of the program, except for the variables that describe the request. */
  env: Record<string, string>;
  /** The decoded part of the URL's path after the script's name. */
  pathInfo: string;
  query: string;
}

/**
 * Answers a request with the output of a CGI program (RFC 3875), streaming in both directions. Resolves when the answer
 * was sent. Throws with the program's stderr when the program ends without an answer.
 */
export async function serveCgi(
  program: CgiProgram,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const child = spawn(program.command, program.args, {
    env: { ...program.env, ...describe(request, program) },
    stdio: 'pipe',
  });
  // Either side may end early: git doesn't read the body of a request that it refuses, and a client may disconnect.
  child.stdin.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => {
    response.once('close', () => {
      child.kill('SIGKILL');
      resolve();
    });
  });
  const write = async (chunk: Buffer): Promise<void> => {
    if (chunk.length === 0 || response.write(chunk) || response.destroyed) return;
    await Promise.race([once(response, 'drain'), closed]);
  };
  request.pipe(child.stdin);
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-4_000);
  });
  const ended = once(child, 'close');
  let head = Buffer.alloc(0);
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    if (response.headersSent) {
      await write(chunk);
      continue;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) continue;
    writeHead(response, head.subarray(0, end).toString());
    await write(head.subarray(end + 4));
  }
  await ended;
  if (!response.headersSent) throw new Error(`${program.command} gave no answer: ${stderr}`);
  response.end();
}

function writeHead(response: ServerResponse, head: string): void {
  let status = 200;
  for (const line of head.split('\r\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).trim();
    if (name.toLowerCase() === 'status') status = Number.parseInt(value, 10);
    else response.setHeader(name, value);
  }
  response.writeHead(status);
}

/** The meta-variables of the request (RFC 3875, 4.1), without those that describe the server. */
function describe(request: IncomingMessage, program: CgiProgram): Record<string, string> {
  const variables: Record<string, string> = {
    GATEWAY_INTERFACE: 'CGI/1.1',
    REQUEST_METHOD: request.method ?? 'GET',
    PATH_INFO: program.pathInfo,
    QUERY_STRING: program.query,
    REMOTE_ADDR: request.socket.remoteAddress ?? '',
    SERVER_PROTOCOL: `HTTP/${request.httpVersion}`,
  };
  for (const [name, value] of Object.entries(request.headers)) {
    if (value === undefined || name === 'authorization') continue;
    const key = name.toUpperCase().replaceAll('-', '_');
    const isOwn = key === 'CONTENT_TYPE' || key === 'CONTENT_LENGTH';
    variables[isOwn ? key : `HTTP_${key}`] = Array.isArray(value) ? value.join(', ') : value;
  }
  return variables;
}
