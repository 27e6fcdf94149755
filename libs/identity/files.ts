import { TokenError } from '@weir/oauth';
import type { CloudContext } from './context.ts';
import { invalidConfiguration } from './errors.ts';

/**
 * Reads a token from a file that is replaced before the token expires.
 * @throws IdentityError InvalidConfiguration
 */
export async function readSecretFile(
  { readFile }: CloudContext,
  path: string,
  variable: string,
): Promise<string> {
  const text = await readFile(path).catch((cause: unknown) => {
    throw invalidConfiguration(`the file of ${variable} can't be read`, cause);
  });
  const token = text.trim();
  if (token === '') throw invalidConfiguration(`the file of ${variable} is empty`);
  return token;
}

/**
 * Makes something from a file of the operator; a key in it that can't be used is an error of configuration.
 * @throws IdentityError
 */
export function fromFile<T>(variable: string, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    if (!(cause instanceof TokenError)) throw cause;
    throw invalidConfiguration(`the file of ${variable}: ${cause.message}`, cause);
  }
}
