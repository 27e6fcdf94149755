// Decrypts what SOPS encrypted: a process of the Go program in decryptor/ for each build that comes across any.
import type { Logger } from '@weir/telemetry';
import { decryptorBinary } from './binary.ts';
import { RenderError } from './error.ts';
import type { Callbacks } from './job.ts';
import { type EngineProcess, startEngine } from './process.ts';

/** An entry of the Secret that has the keys. */
export interface KeyFile {
  /** Of the entry, for messages. */
  name: string;
  text: string;
}

export interface DecryptionKeys {
  /** Where they are from, for messages: `sops decryption Secret 'apps/keys'`. */
  origin: string;
  /** Files as age-keygen writes them. */
  age: readonly KeyFile[];
  /** Armored private keys of OpenPGP, without a passphrase. */
  pgp: readonly KeyFile[];
}

/** A data key that a key management service wrapped, as the encrypted file names it. Nothing of it was checked. */
export interface WrappedKey {
  kind: 'aws' | 'azure' | 'gcp' | 'vault';
  /** URL of the vault (`azure`, `vault`). */
  address?: string;
  /** Where the transit engine is mounted (`vault`). */
  path?: string;
  /** The key: an ARN (`aws`), a resource (`gcp`), a name. */
  name: string;
  /** `azure` */
  version?: string;
  /** An ARN (`aws`). */
  role?: string;
  /** `aws` */
  context?: Record<string, string>;
  /** As it is in the file. */
  wrapped: string;
}

/** Asks the key management service. What it throws becomes part of the message of the build's failure. */
export type UnwrapKey = (key: WrappedKey, signal: AbortSignal) => Promise<Buffer>;

export interface DecryptionOptions {
  keys: DecryptionKeys;
  unwrap: UnwrapKey;
  /** Path of the binary; `WEIR_DECRYPTOR`, or one built from source, unless given. */
  binary?: string | undefined;
  log: Logger;
}

/** For one build: it has that build's keys, and ends with it. */
export interface Decryption {
  /**
   * Reads the keys, for which a process is started where there are any. Rejects with a RenderError that names the key that
   * can't be used. To be called first.
   */
  open(): Promise<void>;
  /** Answers what the engine asks for in a build (see `BuildRequest.decryption`). */
  callbacks: Callbacks;
  /** The process id, once there is a process. */
  pid(): number | undefined;
  /** Ends the process, and the keys with it. */
  close(): void;
}

/** Bytes. A file has 5 MiB at most, and SOPS holds it in several forms. */
const MEMORY_BYTES = 160 * 1024 ** 2;

/**
 * A callback rejects with an Error whose message shows neither keys nor what is encrypted. Without keys, a process is
 * started by the first one.
 */
export function createDecryption({ keys, unwrap, binary, log }: DecryptionOptions): Decryption {
  let starting: Promise<EngineProcess> | undefined;
  let running: EngineProcess | undefined;
  let closed = false;
  // Files that were encrypted together have the same wrapped key.
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
    // A service that failed may answer the next time.
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

/** Throws an error about render engines in words about decrypting. */
function inWords(error: unknown): never {
  if (!(error instanceof RenderError)) throw error;
  const messages: Record<string, string> = {
    MemoryLimit: 'decrypting it needs more memory than it may take',
    EngineCrashed: 'the program that decrypts ended unexpectedly',
  };
  const message = messages[error.reason];
  throw message === undefined ? error : new RenderError(error.reason, message, { cause: error });
}
