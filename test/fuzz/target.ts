import type { Arbitrary } from 'fast-check';

/**
 * Code that reads input from outside, with the resources it may take and what must hold for any input. Each is a file
 * in `targets/`.
 */
export interface Target<Input> {
  /** Its name on the command line. */
  name: string;
  /** The fuzzed code, in a few words for `--help`. */
  about: string;
  limits: {
    /** The longest that one input may take, in ms, on a machine that has other work too. */
    ms: number;
    /** The most memory of the process and all its children, in bytes. */
    bytes: number;
  };
  inputs: Arbitrary<Input>;
  /** Opens what is fuzzed. */
  open(): Promise<Subject<Input>>;
  /** Faults that can be planted, with the finding for each: they show that the fuzzer finds what it looks for. */
  plants: Readonly<Record<string, RegExp>>;
}

export interface Subject<Input> {
  /**
   * Tries one input. Rejects when something doesn't hold that must; that the input is refused is no reason.
   * @param plant a fault of `plants` that the subject has this time instead of working as it should
   */
  try(input: Input, plant?: string): Promise<void>;
  close(): Promise<void>;
}

/** Something doesn't hold that must. */
export class Wrong extends Error {}

/** @throws Wrong unless it holds */
export function holds(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Wrong(what);
}

/** Characters; what people see of a message is cut further. */
const MAX_MESSAGE = 64 * 1024;

/**
 * A refusal is of the given type, and its message is bounded.
 * @throws Wrong for what is no refusal
 */
export function refused(
  error: unknown,
  type: new (...args: never[]) => Error,
): asserts error is Error {
  if (error instanceof Wrong) throw error;
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
  holds(error instanceof type, `what is thrown is no ${type.name}: ${what}`);
  holds(error.message.length <= MAX_MESSAGE, `a message of ${error.message.length} characters`);
}

/** Throws when a message contains what nobody may read. */
export function showsNothingOf(secret: string, message: string, where: string): void {
  holds(!message.includes(secret), `${where} shows what is secret: ${message.slice(0, 500)}`);
}
