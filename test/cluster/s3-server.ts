import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { buildTool } from './build.ts';
import type { KeyPair } from './certificates.ts';
import { type Front, startFront } from './front.ts';
import { freePort } from './ports.ts';
import { type Supervisor, supervise } from './supervise.ts';
import { until } from './until.ts';

export interface S3ServerOptions {
  /** HTTPS with a certificate of an authority of its own. */
  tls?: boolean;
  /** With `tls`: only for clients that show a certificate. */
  mutual?: boolean;
}

/** A bucket of the server, as a test fills it. */
export interface S3ServerBucket {
  name: string;
  /** Adds or replaces objects. */
  put(objects: Record<string, string | Uint8Array>): Promise<void>;
  remove(...keys: string[]): Promise<void>;
}

export interface S3Server {
  /** `127.0.0.1:<port>`, of the front: what it passes on is counted, and can be made to fail. */
  endpoint: string;
  front: Front;
  /** PEM; only with `tls`. */
  ca?: string;
  /** Only with `mutual`. */
  client?: KeyPair;
  createBucket(name: string, objects?: Record<string, string>): Promise<S3ServerBucket>;
  close(): Promise<void>;
}

/** Who may read and write everything on the server. */
export const S3_KEYS = { accesskey: 'testkey', secretkey: 'testsecret-0' } as const;
/** The only region that the server answers for. */
export const S3_REGION = 'us-east-1';

/** Objects that are written at a time. */
const WRITES = 16;

/** Starts versitygw, a server of the S3 protocol, on 127.0.0.1; it keeps objects until it is closed. */
export async function startS3Server(options: S3ServerOptions = {}): Promise<S3Server> {
  const stack = new AsyncDisposableStack();
  try {
    return await start(options, stack);
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function start(options: S3ServerOptions, stack: AsyncDisposableStack): Promise<S3Server> {
  const binary = await buildTool('versitygw');
  const dir = await mkdtemp(join(tmpdir(), 'weir-s3-'));
  const supervisor = await supervise(dir);
  stack.defer(() => supervisor.close());
  const [data, sidecar] = [join(dir, 'data'), join(dir, 'metadata')];
  await mkdir(data);
  await mkdir(sidecar);
  const host = `127.0.0.1:${await freePort()}`;
  await supervisor.start({
    ...{ name: 's3', command: binary, cwd: dir, log: join(dir, 's3.log') },
    args: [
      ...['--port', host, '--region', S3_REGION, '--keep-alive', '--quiet', '--health', '/health'],
      ...['posix', '--sidecar', sidecar, data],
    ],
    env: { ROOT_ACCESS_KEY: S3_KEYS.accesskey, ROOT_SECRET_KEY: S3_KEYS.secretkey },
  });
  await until(() => isHealthy(host, supervisor), {
    timeoutMs: 20_000,
    message: 'the S3 server to listen',
  });
  const front = await startFront(`http://${host}`, options);
  stack.defer(() => front.close());
  const client = new S3Client({
    endpoint: `http://${host}`,
    region: S3_REGION,
    forcePathStyle: true,
    credentials: { accessKeyId: S3_KEYS.accesskey, secretAccessKey: S3_KEYS.secretkey },
  });
  stack.defer(() => client.destroy());
  return {
    endpoint: front.host,
    front,
    ...(front.ca === undefined ? {} : { ca: front.ca }),
    ...(front.client === undefined ? {} : { client: front.client }),
    async createBucket(name, objects = {}) {
      await client.send(new CreateBucketCommand({ Bucket: name }));
      const bucket = bucketHandle(client, name);
      await bucket.put(objects);
      return bucket;
    },
    close: () => stack.disposeAsync(),
  };
}

function bucketHandle(client: S3Client, name: string): S3ServerBucket {
  return {
    name,
    async put(objects) {
      const queue = Object.entries(objects).values();
      const write = async () => {
        for (const [Key, content] of queue) {
          const Body = Buffer.from(content);
          await client.send(new PutObjectCommand({ Bucket: name, Key, Body }));
        }
      };
      await Promise.all(Array.from({ length: WRITES }, write));
    },
    async remove(...keys) {
      for (const Key of keys) await client.send(new DeleteObjectCommand({ Bucket: name, Key }));
    },
  };
}

async function isHealthy(host: string, supervisor: Supervisor): Promise<boolean> {
  const exit = supervisor.exitOf('s3');
  if (exit !== undefined) throw new Error(`the S3 server ended: ${exit}`);
  return fetch(`http://${host}/health`).then(
    (answer) => answer.ok,
    () => false,
  );
}
