// Signatures made with notation and without keys, kept in distribution's registry as the tools that sign keep them. They
// are samples of libs/render/verifier, whose own tests sign and forge.
import { deepEqual, equal, match, rejects } from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { type RegistryServer, startRegistry } from '@weir/cluster';
import { MediaType, openRegistry, type Repository } from '@weir/oci';
import { pushArtifact, pushBlob, pushManifest } from '@weir/oci/testing';
import { buildVerifier, createVerifiers, type Verifiers } from '@weir/render';
import { createLogger } from '@weir/telemetry';
import { type Verdict, verifySignature } from './signatures.ts';
import type { Trust } from './trust.ts';

interface Samples {
  manifest: string;
  digest: string;
  keyless: {
    trustedRoot: string;
    issuer: string;
    subject: string;
    bundle: object;
    signature: { payload: string; signature: string; certificate: string; rekorBundle: string };
  };
  notation: { certificate: string; signature: { mediaType: string; content: string } };
}

const SAMPLES = new URL('../../../libs/render/verifier/testdata/signatures.json', import.meta.url);
const BUNDLE = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const NOTATION = 'application/vnd.cncf.notary.signature';

let registry: RegistryServer;
let verifiers: Verifiers;
let samples: Samples;
before(async () => {
  samples = JSON.parse(await readFile(SAMPLES, 'utf8')) as Samples;
  await buildVerifier();
  registry = await startRegistry();
  verifiers = createVerifiers({ log: createLogger({ service: 'test', level: 'fatal' }) });
});
after(async () => {
  await verifiers?.close();
  await registry?.close();
});

let count = 0;
/** A repository with the manifest that the samples are signatures of. */
async function pushUnsigned(): Promise<string> {
  const name = `signed/sample-${++count}`;
  await pushBlob(registry, name, Buffer.from('{}'));
  await pushManifest(registry, name, Buffer.from(samples.manifest));
  return name;
}

/** What refers to the manifest, one blob each, and the index that lists these. */
async function pushReferrers(name: string, blobs: { mediaType: string; content: Buffer }[]) {
  const { digest, manifest } = samples;
  const subject = { mediaType: MediaType.image, digest, size: manifest.length };
  const manifests: object[] = [];
  for (const blob of blobs) {
    const artifactType = blob.mediaType === BUNDLE ? BUNDLE : NOTATION;
    const pushed = await pushArtifact(registry, name, { layers: [blob], subject, artifactType });
    manifests.push({ ...pushed, artifactType });
  }
  const index = { schemaVersion: 2, mediaType: MediaType.index, manifests };
  await pushManifest(registry, name, index, digest.replace(':', '-'));
}

async function pushOldSignature(name: string): Promise<void> {
  const { payload, signature, certificate, rekorBundle } = samples.keyless.signature;
  const content = Buffer.from(payload, 'base64');
  const blob = await pushBlob(registry, name, content);
  const annotations = {
    'dev.cosignproject.cosign/signature': signature,
    'dev.sigstore.cosign/certificate': certificate,
    'dev.sigstore.cosign/bundle': rekorBundle,
  };
  const mediaType = 'application/vnd.dev.cosign.simplesigning.v1+json';
  const layers = [{ mediaType, ...blob, annotations }];
  const { config } = JSON.parse(samples.manifest) as { config: object };
  const image = { schemaVersion: 2, mediaType: MediaType.image, config, layers };
  await pushManifest(registry, name, image, `${samples.digest.replace(':', '-')}.sig`);
}

function verify(name: string, trust: Trust): Promise<Verdict> {
  const repository: Repository = { registry: registry.host, name };
  const client = openRegistry({ registry: registry.host, allowLocal: true, environment: {} });
  const { digest } = samples;
  const signal = AbortSignal.timeout(20_000);
  return verifySignature({
    ...{ registry: client, repository, digest, trust, verifiers, tenant: 'apps', signal },
  });
}

function keyless(subject = samples.keyless.subject): Trust {
  const { trustedRoot, issuer } = samples.keyless;
  const identities = [{ issuer: `^${issuer}$`, subject: `^${subject}$` }];
  return { kind: 'keyless', trustedRoot, identities, fingerprint: '' };
}

function notation(
  level: string,
  scope = '*',
  certificates = [Buffer.from(samples.notation.certificate)],
): Trust {
  const statement = {
    name: 'p',
    registryScopes: [scope],
    signatureVerification: { level },
    trustStores: ['ca:any'],
    trustedIdentities: ['*'],
  };
  const policy = JSON.stringify({ version: '1.0', trustPolicies: [statement] });
  return { kind: 'notation', policy, certificates, fingerprint: '' };
}

function bundleBlob() {
  return { mediaType: BUNDLE, content: Buffer.from(JSON.stringify(samples.keyless.bundle)) };
}

function notationBlob() {
  const { mediaType, content } = samples.notation.signature;
  return { mediaType, content: Buffer.from(content, 'base64') };
}

function reasonOf(verdict: Verdict): string {
  equal(verdict.result, 'failed');
  return verdict.result === 'failed' ? verdict.reason : '';
}

test('a signature without a key counts for its identity, in both layouts of cosign', async () => {
  const bundled = await pushUnsigned();
  match(reasonOf(await verify(bundled, keyless())), /^no matching signatures were found for '/);
  await pushReferrers(bundled, [bundleBlob()]);
  const old = await pushUnsigned();
  await pushOldSignature(old);
  for (const name of [bundled, old]) {
    deepEqual(await verify(name, keyless()), { result: 'verified' });
    match(reasonOf(await verify(name, keyless('stranger'))), /no matching CertificateIdentity/);
  }
});

test('a bundle that is none does not hide a good one', async () => {
  const name = await pushUnsigned();
  const bad = [{ mediaType: BUNDLE, content: Buffer.from('[]') }];
  await pushReferrers(name, bad);
  match(reasonOf(await verify(name, keyless())), /^no matching signatures .*: proto: /s);
  await pushReferrers(name, [...bad, bundleBlob()]);
  deepEqual(await verify(name, keyless()), { result: 'verified' });
});

test('a signature of notation counts by the policy', async () => {
  const name = await pushUnsigned();
  match(reasonOf(await verify(name, notation('strict'))), /^no signature is associated with "/);
  await pushReferrers(name, [notationBlob()]);
  deepEqual(await verify(name, notation('strict')), { result: 'verified' });
  deepEqual(await verify(name, notation('strict', `${registry.host}/${name}`)), {
    result: 'verified',
  });
  await rejects(verify(name, notation('strict', 'example.com/other')), /no applicable .*policy/);
});

test('more signatures than Flux looks at do not hide a good one, nor do large ones', async () => {
  const name = await pushUnsigned();
  const { mediaType } = notationBlob();
  const bad = [1, 2, 3, 4].map((n) => ({ mediaType, content: Buffer.from(`{"n":${n}}`) }));
  await pushReferrers(name, bad);
  const reason = reasonOf(await verify(name, notation('strict')));
  equal(reason.split('\n').length, 4, reason);
  const large = { mediaType, content: Buffer.alloc(2 * 1024 ** 2) };
  await pushReferrers(name, [...bad, large, notationBlob()]);
  deepEqual(await verify(name, notation('strict')), { result: 'verified' });
});

test('where the policy wants nothing, nothing is verified and nothing fails', async () => {
  const name = await pushUnsigned();
  const skip = notation('skip');
  deepEqual(await verify(name, skip), { result: 'ignored' });
  await pushReferrers(name, [notationBlob()]);
  const trustsNobody = notation('audit', '*', []);
  deepEqual(await verify(name, trustsNobody), { result: 'ignored' });
});
