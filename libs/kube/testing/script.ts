import type { TestContext } from 'node:test';
import { type Caller, createCaller } from '../caller.ts';
import { noCredentials } from '../credentials.ts';
import type { KubeObject } from '../object.ts';
import { createTransport } from '../transport.ts';
import { type Handler, serve } from './server.ts';

/** One request that the scripted server received. */
export interface ReceivedRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  accept: string;
}

export interface Script {
  caller: Caller;
  received: ReceivedRequest[];
}

type Step = (stream: Parameters<Handler>[0], request: ReceivedRequest) => void;

/** A server that answers the n-th request by the n-th step. The last step answers all further requests as well. */
export async function scripted(t: TestContext, steps: Step[]): Promise<Script> {
  const received: ReceivedRequest[] = [];
  const server = await serve((stream, headers) => {
    const url = new URL(headers[':path'] ?? '/', 'https://server');
    const request = {
      method: headers[':method'] ?? '',
      path: url.pathname,
      query: url.searchParams,
      accept: String(headers.accept),
    };
    received.push(request);
    steps[Math.min(received.length, steps.length) - 1]?.(stream, request);
  });
  const transport = createTransport(server.endpoint, noCredentials());
  t.after(async () => {
    await transport.close();
    await server.close();
  });
  return { caller: createCaller(transport, {}), received };
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
