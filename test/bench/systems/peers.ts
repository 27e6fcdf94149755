import { access, constants } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { run } from '@weir/cluster';
import { UsageError } from '../options.ts';

/** Beside a checkout, where CI keeps the packed binaries too. */
const UNPACK = join(import.meta.dirname, '../../../../shared/peers/unpack');

/**
 * The folder with Flux's binaries: the one that PEER_BIN names, or where those beside the checkout unpack to.
 * @throws UsageError when there are none
 */
export async function peerFolder(): Promise<string> {
  if (process.env.PEER_BIN) return process.env.PEER_BIN;
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const folder = join(cache, 'weir/peers');
  try {
    await access(UNPACK, constants.X_OK);
  } catch (cause) {
    const wanted = 'flux, source-controller and kustomize-controller';
    throw new UsageError(`set PEER_BIN to a folder with ${wanted}`, { cause });
  }
  const { code, stderr } = await run(UNPACK, [folder]);
  if (code !== 0) throw new Error(`${UNPACK}: ${stderr}`);
  return folder;
}
