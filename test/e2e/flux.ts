import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** How a run of the CLI ended. Colour and progress marks are part of what it prints. */
export interface FluxResult {
  code: number;
  stdout: string;
  stderr: string;
  /** Both, for a match that doesn't care which. */
  output: string;
}

export type Flux = (...args: string[]) => Promise<FluxResult>;

/** The real `flux` binary: in the folder that PEER_BIN names, else on PATH. */
export function findFlux(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const folders = [env.PEER_BIN, ...(env.PATH ?? '').split(delimiter)];
  return folders.map((folder) => executableIn(folder, 'flux')).find(Boolean);
}

/**
 * What a suite that drives Weir with `flux` passes as its `skip`: false when the binary is there, else
 * the line that says why. In CI its absence is an error: nothing may be left out there.
 */
export function skipWithoutFlux(): string | false {
  return findFlux() ? false : skipped('the flux binary is neither in $PEER_BIN nor on PATH');
}

/** The same for a suite that runs controllers of Flux, by the names of their binaries. */
export function skipWithoutControllers(...names: string[]): string | false {
  const missing = names.filter((name) => !executableIn(process.env.PEER_BIN, name));
  if (missing.length === 0) return false;
  return skipped(`PEER_BIN has to name a folder with ${missing.join(' and ')}`);
}

function skipped(why: string): string {
  if (process.env.CI) throw new Error(`${why}; CI needs it`);
  return why;
}

/** Runs `flux` as the administrator of `kubeconfig`; never rejects for a non-zero exit. */
export function fluxFor(kubeconfig: string): Flux {
  const binary = findFlux();
  if (!binary) throw new Error('flux is not there: see skipWithoutFlux');
  return (...args) =>
    new Promise((resolve, reject) => {
      const env = { ...process.env, KUBECONFIG: kubeconfig };
      execFile(binary, args, { env, timeout: 120_000 }, (error, stdout, stderr) => {
        const code = error ? error.code : 0;
        if (typeof code !== 'number') return reject(error);
        resolve({ code, stdout, stderr, output: stdout + stderr });
      });
    });
}

function executableIn(folder: string | undefined, name: string): string | undefined {
  if (!folder) return undefined;
  const path = join(folder, name);
  try {
    accessSync(path, constants.X_OK);
    return path;
  } catch {
    // Not there or not to be run: the caller looks on, and says so when there is none.
    return undefined;
  }
}
