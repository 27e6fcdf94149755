// Signatures made with notation and without keys, kept in distribution's registry as the tools that sign keep them.
import { deepEqual, equal, match, rejects } from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type RegistryServer, startRegistry } from '@weir/cluster';
import { openRegistry, type Repository } from '@weir/oci';
import { buildVerifier, createVerifiers, type Verifiers } from '@weir/render';
import { createLogger } from '@weir/telemetry';
import {
  bundleBlob,
  notationBlob,
  pushOldSignature,
  pushReferrers,
  pushUnsigned,
  readSamples,
  type SignedSamples,
} from '../testing/signed-samples.ts';
import { type Verdict, verifySignature } from './signatures.ts';
import type { Trust } from './trust.ts';

let registry: RegistryServer;
let verifiers: Verifiers;
let samples: SignedSamples;
before(async () => {
  samples = await readSamples();
  await buildVerifier();
  registry = await startRegistry();
  verifiers = createVerifiers({ log: createLogger({ service: 'test', level: 'fatal' }) });
});
after(async () => {
  await verifiers?.close();
  await registry?.close();
});

let count = 0;
async function unsigned(): Promise<string> {
  const name = `signed/sample-${++count}`;
  await pushUnsigned(registry, name, samples);
  return name;
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

function reasonOf(verdict: Verdict): string {
  equal(verdict.result, 'failed');
  return verdict.result === 'failed' ? verdict.reason : '';
}

test('a signature without a key counts for its identity, in both layouts of cosign', async () => {
  const bundled = await unsigned();
  match(reasonOf(await verify(bundled, keyless())), /^no matching signatures were found for '/);
  await pushReferrers(registry, bundled, samples, [bundleBlob(samples)]);
  const old = await unsigned();
  await pushOldSignature(registry, old, samples);
  for (const name of [bundled, old]) {
    deepEqual(await verify(name, keyless()), { result: 'verified' });
    match(reasonOf(await verify(name, keyless('stranger'))), /no matching CertificateIdentity/);
  }
});

test('a bundle that is none does not hide a good one', async () => {
  const name = await unsigned();
  const bad = [bundleBlob(samples, Buffer.from('[]'))];
  await pushReferrers(registry, name, samples, bad);
  match(reasonOf(await verify(name, keyless())), /^no matching signatures .*: proto: /s);
  await pushReferrers(registry, name, samples, [...bad, bundleBlob(samples)]);
  deepEqual(await verify(name, keyless()), { result: 'verified' });
});

test('a signature of notation counts by the policy', async () => {
  const name = await unsigned();
  match(reasonOf(await verify(name, notation('strict'))), /^no signature is associated with "/);
  await pushReferrers(registry, name, samples, [notationBlob(samples)]);
  deepEqual(await verify(name, notation('strict')), { result: 'verified' });
  deepEqual(await verify(name, notation('strict', `${registry.host}/${name}`)), {
    result: 'verified',
  });
  await rejects(verify(name, notation('strict', 'example.com/other')), /no applicable .*policy/);
});

test('more signatures than Flux looks at do not hide a good one, nor do large ones', async () => {
  const name = await unsigned();
  const { mediaType } = notationBlob(samples);
  const bad = [1, 2, 3, 4].map((n) => ({ mediaType, content: Buffer.from(`{"n":${n}}`) }));
  await pushReferrers(registry, name, samples, bad);
  const reason = reasonOf(await verify(name, notation('strict')));
  equal(reason.split('\n').length, 4, reason);
  const large = { mediaType, content: Buffer.alloc(2 * 1024 ** 2) };
  await pushReferrers(registry, name, samples, [...bad, large, notationBlob(samples)]);
  deepEqual(await verify(name, notation('strict')), { result: 'verified' });
});

test('where the policy wants nothing, nothing is verified and nothing fails', async () => {
  const name = await unsigned();
  const skip = notation('skip');
  deepEqual(await verify(name, skip), { result: 'ignored' });
  await pushReferrers(registry, name, samples, [notationBlob(samples)]);
  const trustsNobody = notation('audit', '*', []);
  deepEqual(await verify(name, trustsNobody), { result: 'ignored' });
});
