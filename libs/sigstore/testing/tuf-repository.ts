// A TUF repository over HTTP with one key for each role, written by the specification alone: what it serves tells whether the
// client keeps to that.
import { createHash, generateKeyPairSync, type KeyObject, sign as signBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listen } from '@weir/cluster';

const ROLES = ['root', 'timestamp', 'snapshot', 'targets'] as const;
type Role = (typeof ROLES)[number];
type Keys = Record<Role, KeyObject>;

export interface TufRepository {
  url: string;
  /** The first root, and the path of a file with it: what a client begins with. */
  pinned: string;
  rootFile: string;
  /** Makes a file and signs new metadata for it. @param expires of the timestamp */
  publish(name: string, content: string, expires?: Date): void;
  /** Makes a new root with new keys, signed by the keys of before and by the new ones. */
  rotate(): void;
  /** Signs everything again, with keys that the root doesn't name. */
  forge(): void;
  /** Serves other bytes under a path. */
  put(path: string, content: string | Buffer): void;
  /** Answers with this status, whatever is asked for; 200 to serve files again; 0 never to answer. */
  answer(status: number): void;
  /** Paths that were asked for, oldest first. */
  requests(): string[];
  close(): Promise<void>;
}

const YEAR_MS = 365 * 24 * 60 * 60_000;

export async function startTufRepository(): Promise<TufRepository> {
  const files = new Map<string, Buffer>();
  const requests: string[] = [];
  const content = new Map<string, string>();
  let keys = createKeys();
  let rootVersion = 0;
  let version = 0;
  let status = 200;

  function writeRoot(signers: readonly KeyObject[]): void {
    rootVersion += 1;
    const ids = ROLES.map((role) => [role, publicKey(keys[role])] as const);
    const signed = {
      ...common('root', rootVersion, later(YEAR_MS)),
      consistent_snapshot: true,
      keys: Object.fromEntries(ids.map(([, { id, key }]) => [id, key])),
      roles: Object.fromEntries(
        ids.map(([role, { id }]) => [role, { keyids: [id], threshold: 1 }]),
      ),
    };
    files.set(`/${rootVersion}.root.json`, envelope(signed, signers));
  }

  function writeFiles(signers: Keys, expires: Date): void {
    version += 1;
    const described = [...content].map(([name, text]) => {
      const hash = createHash('sha256').update(text).digest('hex');
      files.set(`/targets/${hash}.${name}`, Buffer.from(text));
      return [name, { length: Buffer.byteLength(text), hashes: { sha256: hash } }] as const;
    });
    const until = later(YEAR_MS);
    const targets = {
      ...common('targets', version, until),
      targets: Object.fromEntries(described),
    };
    files.set(`/${version}.targets.json`, envelope(targets, [signers.targets]));
    const meta = { 'targets.json': { version } };
    const snapshot = envelope({ ...common('snapshot', version, until), meta }, [signers.snapshot]);
    files.set(`/${version}.snapshot.json`, snapshot);
    const timestamp = {
      ...common('timestamp', version, expires),
      meta: { 'snapshot.json': { version } },
    };
    files.set('/timestamp.json', envelope(timestamp, [signers.timestamp]));
  }

  writeRoot([keys.root]);
  const pinned = files.get('/1.root.json')?.toString() ?? '';
  const dir = await mkdtemp(join(tmpdir(), 'tuf-'));
  const rootFile = join(dir, 'root.json');
  await writeFile(rootFile, pinned);
  const server = await listen((request, response) => {
    requests.push(request.url ?? '');
    const file = files.get(request.url ?? '');
    if (status === 0) return;
    if (status !== 200 || file === undefined) response.writeHead(status === 200 ? 404 : status);
    response.end(status === 200 ? file : undefined);
  });
  return {
    url: server.url,
    ...{ pinned, rootFile },
    publish(name, text, expires = later(YEAR_MS)) {
      content.set(name, text);
      writeFiles(keys, expires);
    },
    rotate() {
      const before = keys;
      keys = createKeys();
      writeRoot([before.root, keys.root]);
      writeFiles(keys, later(YEAR_MS));
    },
    forge: () => writeFiles(createKeys(), later(YEAR_MS)),
    put: (path, bytes) => files.set(path, Buffer.from(bytes)),
    answer(next) {
      status = next;
    },
    requests: () => [...requests],
    async close() {
      await server.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function createKeys(): Keys {
  const create = () => generateKeyPairSync('ed25519').privateKey;
  return { root: create(), timestamp: create(), snapshot: create(), targets: create() };
}

function later(ms: number): Date {
  return new Date(Date.now() + ms);
}

function common(type: Role, version: number, expires: Date) {
  const seconds = `${expires.toISOString().slice(0, 19)}Z`;
  return { _type: type, spec_version: '1.0.31', version, expires: seconds };
}

function publicKey(key: KeyObject) {
  const { x = '' } = key.export({ format: 'jwk' });
  const keyval = { public: Buffer.from(x, 'base64url').toString('hex') };
  const described = { keytype: 'ed25519', scheme: 'ed25519', keyval };
  const id = createHash('sha256').update(canonical(described)).digest('hex');
  return { id, key: described };
}

function envelope(signed: object, signers: readonly KeyObject[]): Buffer {
  const bytes = Buffer.from(canonical(signed));
  const signatures = signers.map((key) => ({
    keyid: publicKey(key).id,
    sig: signBytes(null, bytes, key).toString('hex'),
  }));
  return Buffer.from(JSON.stringify({ signed, signatures }));
}

/** Canonical JSON, as far as these texts need it: sorted keys, and no spaces. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, it]) => `${JSON.stringify(key)}:${listed(it)}`).join(',')}}`;
}

function listed(value: unknown): string {
  return Array.isArray(value) ? `[${value.map(canonical).join(',')}]` : canonical(value);
}
