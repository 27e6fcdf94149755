// Inputs by number: the same number is the same input, so that a finding can be tried again.
import { inspect } from 'node:util';
import fc from 'fast-check';
import type { Target } from './target.ts';

/** The input of a number. */
export function inputOf<Input>({ inputs }: Pick<Target<Input>, 'inputs'>, number: number): Input {
  const [input] = fc.sample(inputs, { seed: number, numRuns: 1 });
  if (input === undefined) throw new Error('the target has no inputs');
  return input;
}

const MAX_SHOWN = 4_000;

/** An input in a readable form, which may be shortened: its number is enough to make it again. */
export function showInput(input: unknown): string {
  const text = inspect(input, { depth: 8, maxStringLength: 2_000, maxArrayLength: 50 });
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}...` : text;
}
