// The command `diff <kind> <namespace>/<name>`: shows what an object would change if it ran now.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectKube, userAgent } from '@weir/kube';
import { createSettings, type Diffs } from '@weir/service';
import { createLogger } from '@weir/telemetry';
import type { Grammar } from './command-line.ts';
import { readCommandLine, UsageError } from './command-line.ts';

/** The kinds with such a comparison, with the service that has its code. */
const KINDS: Record<string, () => Promise<{ diffs: Diffs }>> = {
  helmrelease: () => import('@weir/helm-release/diffs'),
  imageupdateautomation: () => import('@weir/image-automation/diffs'),
};

export interface DiffOptions {
  /** The arguments after `diff`. */
  args: readonly string[];
  grammar: Grammar;
  env?: Readonly<Record<string, string | undefined>>;
  signal: AbortSignal;
}

/**
 * Returns the text for a person to read.
 * @throws UsageError; what the kind reports as wrong
 */
export async function describeChange({
  args,
  grammar,
  env = process.env,
  signal,
}: DiffOptions): Promise<string> {
  const [kind = '', object = '', ...rest] = args;
  const load = KINDS[kind.toLowerCase()];
  const [namespace, name, ...more] = object.split('/');
  if (load === undefined || !namespace || !name || more.length > 0) {
    const kinds = Object.keys(KINDS).join(', ');
    throw new UsageError(
      `diff wants a kind (${kinds}) and an object: diff ${kind || '<kind>'} <namespace>/<name>`,
    );
  }
  const { services, flags } = readCommandLine(rest, grammar);
  if (services.length > 0)
    throw new UsageError(`diff takes one object, and not ${services.join(' ')} too`);
  const settings = createSettings(flags, env);
  const log = createLogger({ service: 'diff', level: settings.get('log-level') ?? 'error' });
  const config = settings.get('kubeconfig') ?? env.KUBECONFIG;
  const client = connectKube(config === undefined ? {} : { kubeconfig: config }, {
    userAgent: userAgent('diff'),
    log,
  });
  const storageDir = await mkdtemp(join(tmpdir(), 'weir-diff-'));
  try {
    const { diffs } = await load();
    const describe = diffs[kind.toLowerCase()];
    if (describe === undefined) throw new Error(`no service describes changes of ${kind}`);
    return await describe({ namespace, name }, { client, settings, log, storageDir, signal });
  } finally {
    await client.close();
    await rm(storageDir, { recursive: true, force: true });
  }
}
