import type { TestContext } from 'node:test';
import { type Caller, createCaller } from '../caller.ts';
import { noCredentials } from '../credentials.ts';
import type { KubeObject } from '../object.ts';
import { createTransport } from '../transport.ts';
import { type Handler, serve } from './server.ts';

/** One request as a scripted server saw it. */
export interface Seen {
  method: string;
  path: string;
  query: URLSearchParams;
  accept: string;
}

export interface Script {
  caller: Caller;
  seen: Seen[];
}

type Step = (stream: Parameters<Handler>[0], request: Seen) => void;

/** A server that answers the first request with the first step, and so on; the last step goes on for ever. */
export async function scripted(t: TestContext, steps: Step[]): Promise<Script> {
  const seen: Seen[] = [];
  const server = await serve((stream, headers) => {
    const url = new URL(headers[':path'] ?? '/', 'https://server');
    const request = {
      method: headers[':method'] ?? '',
      path: url.pathname,
      query: url.searchParams,
      accept: String(headers.accept),
    };
    seen.push(request);
    steps[Math.min(seen.length, steps.length) - 1]?.(stream, request);
  });
  const transport = createTransport(server.endpoint, noCredentials());
  t.after(async () => {
    await transport.close();
    await server.close();
  });
  return { caller: createCaller(transport, {}), seen };
}

export function configMap(name: string, resourceVersion: string, uid = 'u1'): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'ns', uid, resourceVersion },
  };
}

export function listOf(items: KubeObject[], resourceVersion: string, next?: string): object {
  return { kind: 'ConfigMapList', metadata: { resourceVersion, continue: next }, items };
}
