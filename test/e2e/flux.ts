import { execFile } from 'node:child_process';
import { buildTool } from '@weir/cluster';

/** How a run of the CLI ended. Colour and progress marks are part of what it prints. */
export interface FluxResult {
  code: number;
  stdout: string;
  stderr: string;
  /** Both, for a match that doesn't care which. */
  output: string;
}

export type Flux = (...args: string[]) => Promise<FluxResult>;

/** Runs the real `flux` binary as the administrator of `kubeconfig`; never rejects for a non-zero exit. */
export async function fluxFor(kubeconfig: string): Promise<Flux> {
  const binary = await buildTool('flux');
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
