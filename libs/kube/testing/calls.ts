import type { TestContext } from 'node:test';
import { type Caller, createCaller } from '../caller.ts';
import type { RawRequest } from '../client.ts';
import { noCredentials } from '../credentials.ts';
import type { Endpoint } from '../dial.ts';
import type { HttpStream } from '../http.ts';
import { createTransport, type TransportOptions } from '../transport.ts';
import { type Handler, serve } from './server.ts';

export const GET: RawRequest = { method: 'GET', path: '/version' };
export const POST: RawRequest = { method: 'POST', path: '/things', body: { a: 1 } };

/** Starts a server and makes a caller for it. Both are closed after the test. */
export async function setUp(t: TestContext, handler: Handler, settings = {}) {
  const server = await serve(handler, settings);
  t.after(() => server.close());
  return { server, caller: callerFor(t, server.endpoint) };
}

export function callerFor(
  t: TestContext,
  endpoint: Endpoint,
  options: TransportOptions = {},
  credentials = noCredentials(),
): Caller {
  const transport = createTransport(endpoint, credentials, options);
  t.after(() => transport.close());
  return createCaller(transport, { 'user-agent': 'weir/test' });
}

export async function readAll({ chunks }: HttpStream): Promise<string> {
  let text = '';
  for await (const chunk of chunks) text += chunk.toString();
  return text;
}
