// Flux's controllers elect a leader only where they find the namespace of their pod in its file system.

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Gives /var/run to this process alone, with the one file in it that every pod has there. */
const SCRIPT = [
  'mount -t tmpfs none /var/run',
  `mkdir -p ${ACCOUNT}`,
  `printf %s "$0" > ${ACCOUNT}/namespace`,
  'exec "$@"',
].join(' && ');

/**
 * The command line that runs a program as if in a pod of the namespace. It takes a mount namespace of its own
 * (unshare of util-linux), for which no rights are needed where the kernel lets users have namespaces.
 */
export function inPodOf(
  namespace: string,
  command: string,
  args: readonly string[],
): { command: string; args: string[] } {
  const own = ['--user', '--map-root-user', '--mount'];
  return { command: 'unshare', args: [...own, 'sh', '-c', SCRIPT, namespace, command, ...args] };
}
