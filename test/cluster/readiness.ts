import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import type { ApiRequest } from './api.ts';
import type { Component } from './components.ts';

/** Whether a component is ready. Components that serve no requests count as ready once they run. */
export async function isReady(
  component: Component,
  where: { etcdSocket: string; natsPort: number; request: ApiRequest },
): Promise<boolean> {
  switch (component) {
    case 'etcd':
      return isEtcdHealthy(where.etcdSocket);
    case 'kube-apiserver':
      return (await where.request('GET', '/readyz')) === 'ok';
    case 'nats-server':
      return hasJetStream(where.natsPort);
    default:
      return true;
  }
}

function isEtcdHealthy(socketPath: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ socketPath, path: '/health' }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    sent.on('error', reject);
    sent.end();
  });
}

/** A NATS server first sends `INFO {...}`, which states whether JetStream is on (NATS client protocol). */
function hasJetStream(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' });
    let greeting = '';
    socket.on('data', (chunk: Buffer) => {
      greeting += chunk.toString();
      if (!greeting.includes('\r\n')) return;
      socket.destroy();
      resolve(/^INFO .*"jetstream":true/.test(greeting));
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(false));
  });
}
