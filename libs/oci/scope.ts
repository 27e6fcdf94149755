/** What a token has to allow for reading a repository. */
export function pullScope(name: string): string {
  return `repository:${name}:pull`;
}
