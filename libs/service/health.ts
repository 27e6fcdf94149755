// Serves health, readiness and metrics to kubelets and Prometheus.
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { METRICS_CONTENT_TYPE } from '@weir/telemetry';

export interface HealthOptions {
  /** 0 for any free one. */
  port: number;
  /** All interfaces unless given. */
  host?: string;
  /** By service: `true`, or what it still waits for. */
  ready(): Record<string, true | string>;
  /** Prometheus text. */
  metrics(): Promise<string>;
}

export interface HealthServer {
  port: number;
  close(): Promise<void>;
}

const TEXT = 'text/plain; charset=utf-8';

/**
 * Serves `/healthz` (200 while the process answers: a restart would not help when something else is away), `/readyz`
 * (503 with a line for each service that isn't ready) and `/metrics`. Rejects when the port is taken.
 */
export async function serveHealth(options: HealthOptions): Promise<HealthServer> {
  async function answer(path: string, response: ServerResponse) {
    if (path === '/healthz') return send(response, 200, 'ok\n');
    if (path === '/readyz') return sendReadiness(response, options.ready());
    if (path === '/metrics') {
      return send(response, 200, await options.metrics(), METRICS_CONTENT_TYPE);
    }
    send(response, 404, 'There are /healthz, /readyz and /metrics.\n');
  }

  const server = createServer((request, response) => {
    const { method, url = '/' } = request;
    if (method !== 'GET' && method !== 'HEAD') {
      send(response, 405, 'Only GET and HEAD.\n');
      return;
    }
    answer(url.split('?', 1)[0] ?? '/', response).catch((error: unknown) => {
      send(response, 500, `${error instanceof Error ? error.message : error}\n`);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function sendReadiness(response: ServerResponse, services: Record<string, true | string>): void {
  const lines = Object.entries(services).map(([name, ready]) =>
    ready === true ? `[+] ${name}\n` : `[-] ${name}: ${ready}\n`,
  );
  const ready = Object.values(services).every((one) => one === true);
  send(response, ready ? 200 : 503, lines.join(''));
}

function send(response: ServerResponse, status: number, body: string, type = TEXT): void {
  if (response.headersSent) return;
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
