// Decrypts files that SOPS encrypted. Each build that has such files gets its own process of the Go program in
// decryptor/.
import type { Logger } from '@weir/telemetry';
import { decryptorBinary } from './binary.ts';
import { RenderError } from './error.ts';
import type { Callbacks } from './job.ts';
import { type EngineProcess, startEngine } from './process.ts';

/** An entry of the Secret with the private keys. */
export interface KeyFile {
  /** The name of the entry, for messages. */
  name: string;
  text: string;
}

export interface DecryptionKeys {
  /** Where the keys come from, for messages: `sops decryption Secret 'apps/keys'`. */
  origin: string;
  /** Files in the format of age-keygen. */
  age: readonly KeyFile[];
  /** Armored private keys of OpenPGP, without a passphrase. */
  pgp: readonly KeyFile[];
}

/**
 * A data key that a key management service encrypted, as described in the encrypted file. None of the fields has been
 * checked.
 */
export interface WrappedKey {
  kind: 'aws' | 'azure' | 'gcp' | 'vault';
  /** URL of the vault (`azure`, `vault`). */
  address?: string;
  /** The path that the transit engine is mounted at (`vault`). */
  path?: string;
  /** The key: an ARN (`aws`), a resource (`gcp`), a name. */
  name: string;
  /** The version of the key (`azure`). */
  version?: string;
  /** The ARN of a role to assume (`aws`). */
  role?: string;
  /** The encryption context (`aws`). */
  context?: Record<string, string>;
  /** The encrypted data key, as it is in the file. */
  wrapped: string;
}

/**
 * Has the key management service decrypt a data key. The message of an error becomes part of the message of the failed
 * build.
 */
export type UnwrapKey = (key: WrappedKey, signal: AbortSignal) => Promise<Buffer>;

export interface DecryptionOptions {
  keys: DecryptionKeys;
  unwrap: UnwrapKey;
  /** Path of the binary; `WEIR_DECRYPTOR`, or one built from source, unless given. */
  binary?: string | undefined;
  log: Logger;
}

/** The decryption of one build. It has that build's private keys, and ends with the build. */
export interface Decryption {
  /**
   * Imports the keys; if there are any, this starts a process. It has to be called first. Rejects with a RenderError
   * that names the key that can't be used.
   */
  open(): Promise<void>;
  /** The functions for what the engine requests during a build (see `BuildRequest.decryption`). */
  callbacks: Callbacks;
  /** The process id; undefined before the process has started. */
  pid(): number | undefined;
  /** Ends the process, which has the keys in its memory. */
  close(): void;
}

/** In bytes. A file has 5 MiB at most, and SOPS keeps it in memory in several forms. */
const MEMORY_BYTES = 160 * 1024 ** 2;

/**
 * The callbacks reject with an Error whose message contains neither keys nor encrypted or decrypted text. Without keys,
 * the first callback starts the process.
 */
export function createDecryption({ keys, unwrap, binary, log }: DecryptionOptions): Decryption {
  let starting: Promise<EngineProcess> | undefined;
  let running: EngineProcess | undefined;
  let closed = false;
  // Files that were encrypted together have the same encrypted data key, which is decrypted only once.
  const unwrapped = new Map<string, Promise<Buffer>>();

  async function start(): Promise<EngineProcess> {
    const program = {
      binary: binary ?? (await decryptorBinary(log)),
      memoryLimitBytes: MEMORY_BYTES,
      log,
    };
    if (closed) throw ended();
    running = startEngine(program);
    await running.request('keys', JSON.stringify(keys));
    return running;
  }

  function unwrapOnce(key: WrappedKey, signal: AbortSignal): Promise<Buffer> {
    const id = JSON.stringify(key);
    const known = unwrapped.get(id);
    if (known !== undefined) return known;
    const asking = unwrap(key, signal);
    unwrapped.set(id, asking);
    // A failed request is not kept, as the next one may succeed.
    asking.catch(() => unwrapped.delete(id));
    return asking;
  }

  const answerDecryptor: Callbacks = async (_, body, signal) => {
    const key = await unwrapOnce(body as WrappedKey, signal);
    return { key: key.toString('base64') };
  };

  async function program(): Promise<EngineProcess> {
    if (closed) throw ended();
    starting ??= start();
    return await starting;
  }

  return {
    async open() {
      if (keys.age.length + keys.pgp.length === 0) return;
      await program().catch(inWords);
    },
    async callbacks(op, body) {
      if (op !== 'decrypt') throw new Error(`nothing answers ${op} here`);
      const running = await program().catch(inWords);
      return await running.request('decrypt', JSON.stringify(body), answerDecryptor).catch(inWords);
    },
    pid: () => running?.pid,
    close() {
      closed = true;
      running?.kill(ended());
      unwrapped.clear();
    },
  };
}

function ended(): RenderError {
  return new RenderError('Closed', 'the build has ended');
}

/** Throws an error about render engines again with a message about decryption. */
function inWords(error: unknown): never {
  if (!(error instanceof RenderError)) throw error;
  const messages: Record<string, string> = {
    MemoryLimit: 'decrypting it needs more memory than it may take',
    EngineCrashed: 'the program that decrypts ended unexpectedly',
  };
  const message = messages[error.reason];
  throw message === undefined ? error : new RenderError(error.reason, message, { cause: error });
}
