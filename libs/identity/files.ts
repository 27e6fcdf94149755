import type { CloudContext } from './context.ts';
import { invalidConfiguration } from './errors.ts';

/** A token that somebody puts into a file and replaces before it ends. @throws IdentityError InvalidConfiguration */
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
