import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { buildTool } from '@weir/cluster';

/** The result of a run of the CLI. Its output contains colours and progress marks. */
export interface FluxResult {
  code: number;
  stdout: string;
  stderr: string;
  /** Standard output and standard error together. */
  output: string;
}

export type Flux = (...args: string[]) => Promise<FluxResult>;

/** Runs the real `flux` binary as the administrator of `kubeconfig`. It resolves also when the exit code is not 0. */
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

/** Asserts that the exit code is 0 and the output contains the text. */
export function succeeded(result: FluxResult, text: string): void {
  assert.equal(result.code, 0, result.output);
  assert.ok(result.output.includes(text), `no '${text}' in:\n${result.output}`);
}
