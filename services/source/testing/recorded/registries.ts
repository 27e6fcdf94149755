// The registries of the recorded cases, and what they hold.
import {
  type ForwardProxy,
  REGISTRY_USER,
  type RegistryServer,
  startForwardProxy,
  startFront,
  startRegistry,
} from '@weir/cluster';
import { MediaType } from '@weir/oci';
import { type PushTarget, pushBlob, pushManifest } from '@weir/oci/testing';
import { readBlob, readKey } from './blobs.ts';
import type { RegistryEntry } from './case.ts';

export interface Registries {
  standIns: Record<string, string>;
  proxy: ForwardProxy;
  push(entry: RegistryEntry): Promise<void>;
  remove(repository: string, digest: string): Promise<void>;
}

/** Starts all of them; they end with the stack. */
export async function startRegistries(stack: AsyncDisposableStack): Promise<Registries> {
  const own = <T extends { close(): Promise<void> }>(server: T): T =>
    stack.adopt(server, (it) => it.close());
  const plain = own(await startRegistry());
  const auth = own(await startRegistry({ auth: 'basic' }));
  const token = own(await startRegistry({ auth: 'token' }));
  const tokenIp = own(await startRegistry({ auth: 'token', tokenHost: '127.0.0.1' }));
  const elsewhere = own(await startFront(plain.url, { host: '127.0.0.2' }));
  const tls = own(await startFront(plain.url, { tls: true }));
  const proxy = own(await startForwardProxy());
  const servers: Record<string, RegistryServer> = { plain, auth, token, tokenip: tokenIp };

  async function targetOf(registry: string, repository: string): Promise<PushTarget> {
    const server = servers[registry];
    if (server === undefined) throw new Error(`there is no registry ${registry}`);
    return { url: server.url, authorization: await authorizationFor(server, repository) };
  }

  return {
    proxy,
    standIns: {
      PLAIN: plain.host,
      PLAIN2: `127.0.0.2:${elsewhere.port}`,
      AUTH: auth.host,
      TOKEN: token.host,
      TOKENIP: tokenIp.host,
      TLS: tls.host,
      CA: tls.ca ?? '',
      PROXY: `127.0.0.1:${proxy.port}`,
      PUBONE: await readKey('one.pub'),
      PUBTWO: await readKey('two.pub'),
      NOTATIONONE: await readKey('notation-one.crt'),
      NOTATIONTWO: await readKey('notation-two.crt'),
    },
    push: async (entry) =>
      pushEntry(await targetOf(entry.registry ?? 'plain', entry.repository), entry),
    async remove(repository, digest) {
      const response = await fetch(`${plain.url}/v2/${repository}/manifests/${digest}`, {
        method: 'DELETE',
      });
      if (!response.ok) throw new Error(`DELETE ${digest}: ${response.status}`);
    },
  };
}

async function authorizationFor(
  { host, tokens }: RegistryServer,
  repository: string,
): Promise<string> {
  const { username, password } = REGISTRY_USER;
  const basic = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  if (tokens === undefined) return basic;
  const query = new URLSearchParams({ scope: `repository:${repository}:pull,push`, service: host });
  const response = await fetch(`${tokens.realm}?${query}`, { headers: { authorization: basic } });
  return `Bearer ${((await response.json()) as { token: string }).token}`;
}

/** Pushes an entry with its children and its signature. */
async function pushEntry(target: PushTarget, entry: RegistryEntry): Promise<void> {
  const { repository } = entry;
  const found = filesOf(entry, '');
  for (const { digest } of found.filter((it) => !it.isManifest)) {
    await pushBlob(target, repository, await readBlob(digest));
  }
  const manifests = await Promise.all(
    found.filter((it) => it.isManifest).map(({ digest }) => readBlob(digest)),
  );
  // The registry takes an index only when it has what the index names.
  const isIndex = (bytes: Buffer) => bytes.includes(`"${MediaType.index}"`);
  for (const bytes of manifests.sort((a, b) => Number(isIndex(a)) - Number(isIndex(b)))) {
    await pushManifest(target, repository, bytes);
  }
  const { tag, digest, signature } = entry;
  const tags: Record<string, string> = { ...signature?.tags };
  if (tag !== undefined) tags[tag] = digest;
  if (signature?.tag !== undefined) tags[signature.tag] = signature.digest ?? '';
  if (signature?.index !== undefined) {
    tags[signature.index.tag] = signature.index.manifestFile.digest;
  }
  for (const [name, tagged] of Object.entries(tags)) {
    await pushManifest(target, repository, await readBlob(tagged), name);
  }
}

/** All files that a case names somewhere in an entry. */
function filesOf(value: unknown, key: string): { digest: string; isManifest: boolean }[] {
  if (typeof value !== 'object' || value === null) return [];
  const { digest, file } = value as Record<string, unknown>;
  const own =
    typeof digest === 'string' && typeof file === 'string'
      ? [{ digest, isManifest: key === 'manifestFile' }]
      : [];
  return [...own, ...Object.entries(value).flatMap(([name, item]) => filesOf(item, name))];
}
