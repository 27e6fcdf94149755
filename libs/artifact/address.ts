/**
 * The URL of the operator's artifact server, without a slash at its end, from the setting `artifact-address`: `host`,
 * `host:port` or a URL. source puts it into `status.artifact.url`; other services trust its address.
 */
export function reachableAt(address: string, port: number): string {
  if (/^https?:\/\//.test(address)) return address.replace(/\/+$/, '');
  return /:\d+$/.test(address) ? `http://${address}` : `http://${address}:${port}`;
}
