// Signatures made here in the two layouts of cosign, kept in distribution's registry, and attacks on them.
import { equal, rejects, throws } from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { after, before, test } from 'node:test';
import { type RegistryServer, startRegistry } from '@weir/cluster';
import { OciError } from '../errors.ts';
import type { Descriptor } from '../manifest.ts';
import { MediaType } from '../manifest.ts';
import { openLocal, soon } from '../testing/clients.ts';
import {
  type PushTarget,
  pushArtifact,
  pushManifest,
  pushSignature,
  signWith,
  tarGz,
} from '../testing/index.ts';
import { parsePublicKey } from './public-key.ts';
import { findSigner, type SignedBy } from './verify.ts';

interface Pair {
  publicKey: KeyObject;
  privateKey: KeyObject;
}

const pairs: Record<string, Pair> = {
  'P-256': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'P-384': generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  'RSA 2048': generateKeyPairSync('rsa', { modulusLength: 2048 }),
  Ed25519: generateKeyPairSync('ed25519'),
};
const own = pairs['P-256'] as Pair;
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const BUNDLE = 'application/vnd.dev.sigstore.bundle.v0.3+json';

let registry: RegistryServer;
before(async () => {
  registry = await startRegistry();
});
after(() => registry?.close());

let count = 0;
/** A new manifest that nobody has signed. */
async function pushUnsigned(): Promise<{ name: string; subject: Descriptor }> {
  const name = `signed/app-${++count}`;
  const layers = [{ content: tarGz([{ path: 'a', content: String(count) }]) }];
  return { name, subject: await pushArtifact(registry, name, { tag: 'v1', layers }) };
}

/** As cosign 3 signs; `change` makes another bundle of it. */
async function pushBundle(
  target: PushTarget,
  name: string,
  subject: Descriptor,
  key: KeyObject,
  { digest = subject.digest, change = (bundle: object): object => bundle } = {},
): Promise<void> {
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ digest: { sha256: digest.slice('sha256:'.length) } }],
    predicateType: 'https://sigstore.dev/cosign/sign/v1',
    predicate: {},
  };
  const payload = Buffer.from(JSON.stringify(statement));
  const payloadType = 'application/vnd.in-toto+json';
  const head = `DSSEv1 ${payloadType.length} ${payloadType} ${payload.length} `;
  const sig = signWith(key, Buffer.concat([Buffer.from(head), payload]));
  const bundle = change({
    mediaType: BUNDLE,
    verificationMaterial: { publicKey: { hint: 'x' } },
    dsseEnvelope: { payload: payload.toString('base64'), payloadType, signatures: [{ sig }] },
  });
  const content = Buffer.from(JSON.stringify(bundle));
  const artifactType = BUNDLE;
  const layers = [{ mediaType: BUNDLE, content }];
  const manifest = await pushArtifact(target, name, { layers, subject, artifactType });
  const index = {
    ...{ schemaVersion: 2, mediaType: MediaType.index },
    manifests: [{ ...manifest, artifactType: 'application/vnd.oci.empty.v1+json' }],
  };
  await pushManifest(target, name, index, subject.digest.replace(':', '-'));
}

function signerOf(name: string, digest: string, ...by: Pair[]): Promise<SignedBy> {
  const keys = by.map(({ publicKey }) =>
    parsePublicKey(publicKey.export({ type: 'spki', format: 'pem' }).toString()),
  );
  return findSigner(openLocal(registry.host), { name, digest }, keys, soon());
}

for (const [kind, pair] of Object.entries(pairs)) {
  test(`a signature by a key of ${kind} counts, in both layouts`, async () => {
    for (const push of [pushSignature, pushBundle]) {
      const { name, subject } = await pushUnsigned();
      equal(await signerOf(name, subject.digest, pair), 'unsigned');
      await push(registry, name, subject, pair.privateKey);
      equal(await signerOf(name, subject.digest, pair), 'key');
      equal(await signerOf(name, subject.digest, stranger), 'others');
      equal(await signerOf(name, subject.digest, stranger, pair), 'key');
    }
  });
}

test('a signature of another manifest, or of anything else, does not count', async () => {
  const other = `sha256:${'0'.repeat(64)}`;
  for (const push of [pushSignature, pushBundle]) {
    const { name, subject } = await pushUnsigned();
    await push(registry, name, subject, own.privateKey, { digest: other });
    equal(await signerOf(name, subject.digest, own), 'others');
  }
  const { name, subject } = await pushUnsigned();
  await pushSignature(registry, name, subject, own.privateKey, { type: 'something else' });
  equal(await signerOf(name, subject.digest, own), 'others');
});

test('a bundle that was tampered with does not count, and hides signatures under a tag', async () => {
  type Bundle = { dsseEnvelope: { signatures: object[]; payloadType: string } };
  const changes: ((bundle: Bundle) => object)[] = [
    (it) => ({ ...it, verificationMaterial: { certificate: { rawBytes: 'AA==' } } }),
    (it) => ({ ...it, verificationMaterial: {} }),
    (it) => ({ ...it, dsseEnvelope: { ...it.dsseEnvelope, payloadType: 'text/plain' } }),
    (it) => ({ ...it, dsseEnvelope: { ...it.dsseEnvelope, signatures: [] } }),
    (it) => ({
      ...it,
      dsseEnvelope: {
        ...it.dsseEnvelope,
        signatures: [...it.dsseEnvelope.signatures, ...it.dsseEnvelope.signatures],
      },
    }),
    (it) => ({ ...it, dsseEnvelope: { ...it.dsseEnvelope, payload: 'e30=' } }),
    () => ({}),
  ];
  for (const change of changes) {
    const { name, subject } = await pushUnsigned();
    await pushSignature(registry, name, subject, own.privateKey);
    equal(await signerOf(name, subject.digest, own), 'key');
    await pushBundle(registry, name, subject, own.privateKey, {
      change: (it) => change(it as Bundle),
    });
    equal(await signerOf(name, subject.digest, own), 'others', String(change));
  }
});

test('keys that are none, private or weak are refused', () => {
  const pem = ({ privateKey }: Pair) => privateKey.export({ type: 'pkcs8', format: 'pem' });
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey;
  const bad = [
    ...['', 'no PEM', pem(own).toString()],
    ...['-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n'],
    weak.export({ type: 'spki', format: 'pem' }).toString(),
    generateKeyPairSync('x25519').publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  ];
  for (const key of bad) {
    throws(
      () => parsePublicKey(key),
      (error: unknown) => error instanceof OciError && error.reason === 'InvalidConfiguration',
    );
  }
});

test('a registry that does not answer is no registry without signatures', async () => {
  const { name, subject } = await pushUnsigned();
  const client = openLocal('127.0.0.1:1');
  const keys = [own.publicKey];
  await rejects(
    findSigner(client, { name, digest: subject.digest }, keys, soon()),
    (error: unknown) => error instanceof OciError && error.reason === 'Unreachable',
  );
});
