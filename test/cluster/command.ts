/**
 * `npm run cluster`: a cluster for a shell. Progress goes to stderr. stdout gets `export` lines and, when everything runs,
 * `ready`. It runs until it gets a signal (Ctrl-C, SIGTERM, SIGHUP) or the process that started it has ended.
 */
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import type { Cluster } from './cluster.ts';
import { openCluster } from './open.ts';

const PARENT_POLL_MS = 500;

if (import.meta.main) await main();

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      nodes: { type: 'string', default: '2' },
      helm: { type: 'boolean', default: false },
    },
  });
  const nodes = Number(values.nodes);
  if (!Number.isInteger(nodes) || nodes < 0) {
    throw new Error(`--nodes=${values.nodes}: give a number of fake nodes, 0 or more`);
  }
  const stopped = stopRequest();
  const opening = openCluster({
    nodes,
    kubectl: true,
    tools: values.helm ? ['helm'] : [],
    progress: (line) => console.error(line),
  });
  const cluster = await Promise.race([opening, stopped]);
  if (cluster === undefined) process.exit(1);
  printExports(cluster);
  await stopped;
  console.error('stopping ...');
  await cluster.close();
  process.exit(0);
}

function printExports(cluster: Cluster): void {
  for (const [name, value] of Object.entries(cluster.env)) {
    console.log(`export ${name}=${quote(value)}`);
  }
  console.log(`export PATH=${quote(dirname(cluster.bin('kubectl')))}:"$PATH"`);
  console.log('ready');
}

/** Quotes a text as one word of a POSIX shell. */
function quote(word: string): string {
  return /^[\w./:@-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** Resolves when the process gets a signal to stop, or its parent has ended. */
async function stopRequest(): Promise<undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => resolve(undefined));
  }
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    resolve(undefined);
  }, PARENT_POLL_MS);
  return promise;
}
