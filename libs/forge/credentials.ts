/** Credentials for a forge. */
export type ForgeCredentials = { token: string } | { username: string; password: string };

/** The token, or the password in its place: forges take both the same way. */
export function tokenOf(credentials: ForgeCredentials): string {
  return 'token' in credentials ? credentials.token : credentials.password;
}

export function basicOf(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
