// Credentials from a program that a kubeconfig names (client-go credential plugins), where the operator allows that. The program
// gets nothing of the service: no environment but its own, no input, little time.
import { execFile } from 'node:child_process';
import { createLimit } from '@weir/async';
import type { ClusterAccess, ExecPlugin } from './access.ts';
import type { CredentialSource, Credentials } from './credentials.ts';
import { CredentialError } from './errors.ts';

const TIMEOUT_MS = 10_000;
const MAX_OUTPUT_BYTES = 64 * 1024;
/** Credentials without an expiry are asked for again after this time, in ms. */
const FRESH_MS = 300_000;
/** A credential is renewed this long before it expires, in ms. */
const EARLY_MS = 60_000;
/** So many programs run at the same time, whoever named them. */
const oneOfFew = createLimit(4);

/** Runs the program for the first request, when its credentials are about to expire, and after a 401. */
export function execCredentials(access: ClusterAccess, plugin: ExecPlugin): CredentialSource {
  let held: { credentials: Credentials; until: number } | undefined;
  let asking: Promise<Credentials> | undefined;

  async function ask(): Promise<Credentials> {
    const output = await oneOfFew(() => run(access, plugin));
    held = credentialsOf(output, plugin);
    return held.credentials;
  }
  return {
    current() {
      if (held !== undefined && Date.now() < held.until) return held.credentials;
      asking ??= ask().finally(() => {
        asking = undefined;
      });
      return asking;
    },
    renew(refused) {
      if (held?.credentials === refused) held = undefined;
    },
  };
}

function run(access: ClusterAccess, plugin: ExecPlugin): Promise<string> {
  const { command, args, env, apiVersion } = plugin;
  const info = { apiVersion, kind: 'ExecCredential', spec: specOf(access, plugin) };
  const { PATH, HOME } = process.env;
  const options = {
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL' as const,
    maxBuffer: MAX_OUTPUT_BYTES,
    env: { PATH, HOME, ...Object.fromEntries(env), KUBERNETES_EXEC_INFO: JSON.stringify(info) },
  };
  return new Promise((resolve, reject) => {
    const child = execFile(command, args, options, (error, stdout) => {
      // What the program prints may hold a credential, and what it fails with may quote one.
      if (error === null) resolve(stdout);
      else
        reject(new CredentialError(`the program ${command} for credentials failed: ${why(error)}`));
    });
    child.stdin?.end();
  });
}

function specOf({ server, ca, servername }: ClusterAccess, { provideClusterInfo }: ExecPlugin) {
  if (!provideClusterInfo) return { interactive: false };
  const data = ca && Buffer.from(ca).toString('base64');
  const cluster = { server, 'tls-server-name': servername, 'certificate-authority-data': data };
  return { interactive: false, cluster };
}

function why(error: Error & { code?: unknown; killed?: boolean }): string {
  if (error.killed) return `it took longer than ${TIMEOUT_MS} ms, or printed too much`;
  return typeof error.code === 'number' ? `exit code ${error.code}` : String(error.code);
}

interface ExecCredential {
  status?: {
    token?: unknown;
    clientCertificateData?: unknown;
    clientKeyData?: unknown;
    expirationTimestamp?: unknown;
  };
}

function credentialsOf(output: string, { command }: ExecPlugin) {
  let status: ExecCredential['status'];
  try {
    ({ status } = JSON.parse(output) as ExecCredential);
  } catch {
    status = undefined;
  }
  const { token, clientCertificateData: cert, clientKeyData: key } = status ?? {};
  const credentials: Credentials = {
    ...(typeof token === 'string' && /^[\x21-\x7e]+$/.test(token)
      ? { authorization: `Bearer ${token}` }
      : {}),
    ...(typeof cert === 'string' && typeof key === 'string' ? { cert, key } : {}),
  };
  if (Object.keys(credentials).length === 0) {
    throw new CredentialError(`the program ${command} printed no ExecCredential with credentials`);
  }
  const expiresAt = Date.parse(String(status?.expirationTimestamp));
  const now = Date.now();
  const until = Number.isNaN(expiresAt) ? now + FRESH_MS : Math.max(now, expiresAt - EARLY_MS);
  return { credentials, until };
}
