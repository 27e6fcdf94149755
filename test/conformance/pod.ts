// Flux's controllers elect a leader only when a file that every pod has names their namespace.

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Mounts an empty /var/run that only this process sees, and writes that file into it. */
const SCRIPT = [
  'mount -t tmpfs none /var/run',
  `mkdir -p ${ACCOUNT}`,
  `printf %s "$0" > ${ACCOUNT}/namespace`,
  'exec "$@"',
].join(' && ');

/**
 * The command line that runs a program as in a pod of the namespace. The program gets a mount namespace of its own
 * (unshare of util-linux), which needs no rights where the kernel allows user namespaces.
 */
export function inPodOf(
  namespace: string,
  command: string,
  args: readonly string[],
): { command: string; args: string[] } {
  const own = ['--user', '--map-root-user', '--mount'];
  return { command: 'unshare', args: [...own, 'sh', '-c', SCRIPT, namespace, command, ...args] };
}
