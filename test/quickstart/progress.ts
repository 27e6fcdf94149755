import { styleText } from 'node:util';

/** Prints a line for each step, with how long the step took. */
export interface Progress {
  /** Runs one step. `say` in it prints a line that belongs to the step. */
  step<T>(title: string, run: (say: (line: string) => void) => Promise<T>): Promise<T>;
  say(line: string): void;
}

export function createProgress(out: NodeJS.WritableStream): Progress {
  const write = (line: string) => void out.write(`${line}\n`);
  return {
    say: write,
    async step(title, run) {
      const started = performance.now();
      write(`${styleText('cyan', '▸')} ${title}`);
      const result = await run((line) => write(`    ${line}`));
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      write(`${styleText('green', '✔')} ${title} ${styleText('dim', `(${seconds} s)`)}`);
      return result;
    },
  };
}
