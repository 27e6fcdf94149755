import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import type { Logger } from '@weir/telemetry';
import { goBuild } from './gobuild.ts';

/**
 * The path of the engine's binary: `WEIR_ENGINE`, as in a container image, or one built from the
 * sources beside this file, which takes a minute the first time. Rejects with a GoBuildError.
 */
export async function engineBinary(log: Logger): Promise<string> {
  const prebuilt = process.env.WEIR_ENGINE;
  if (prebuilt) return prebuilt;
  return await buildEngine((line) => log.info(line));
}

/** Builds the engine, or finds it in the cache. Returns its path. */
export async function buildEngine(onProgress?: (line: string) => void): Promise<string> {
  return await goBuild({
    name: 'weir-engine',
    module: fileURLToPath(new URL('./engine', import.meta.url)),
    ldflags: (hash) => `-s -w -X main.sourceHash=${hash}`,
    ...(onProgress && { onProgress }),
  });
}

/** The path of the verifier's binary: `WEIR_VERIFIER`, or one built from the sources. Rejects with a GoBuildError. */
export async function verifierBinary(log: Logger): Promise<string> {
  const prebuilt = process.env.WEIR_VERIFIER;
  if (prebuilt) return prebuilt;
  return await buildVerifier((line) => log.info(line));
}

/** Builds the verifier of signatures, or finds it in the cache. Returns its path. */
export async function buildVerifier(onProgress?: (line: string) => void): Promise<string> {
  return await goBuild({
    name: 'weir-verifier',
    module: fileURLToPath(new URL('./verifier', import.meta.url)),
    ...(onProgress && { onProgress }),
  });
}

/** The path of the decryptor's binary: `WEIR_DECRYPTOR`, or one built from the sources. Rejects with a GoBuildError. */
export async function decryptorBinary(log: Logger): Promise<string> {
  const prebuilt = process.env.WEIR_DECRYPTOR;
  if (prebuilt) return prebuilt;
  return await buildDecryptor((line) => log.info(line));
}

/** Builds the program that decrypts what SOPS encrypted, or finds it in the cache. Returns its path. */
export async function buildDecryptor(onProgress?: (line: string) => void): Promise<string> {
  return await goBuild({
    name: 'weir-decryptor',
    module: fileURLToPath(new URL('./decryptor', import.meta.url)),
    ...(onProgress && { onProgress }),
  });
}

/**
 * The SHA-256 of the engine's binary, in hex: two engines with the same digest render the same. No engine is started.
 */
export async function engineDigest(log: Logger): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(await engineBinary(log)), hash);
  return hash.digest('hex');
}
