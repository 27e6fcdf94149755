/**
 * The URL of the operator's artifact server, without a slash at its end, from the setting `artifact-address`: `host`,
 * `host:port` or a URL. source advertises it in `status.artifact.url`; who downloads trusts it.
 */
export function reachableAt(address: string, port: number): string {
  if (/^https?:\/\//.test(address)) return address.replace(/\/+$/, '');
  return /:\d+$/.test(address) ? `http://${address}` : `http://${address}:${port}`;
}
