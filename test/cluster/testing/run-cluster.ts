// Starts a cluster and waits. `watchdog.test.ts` starts this program and kills it, so that it cannot clean up.
import { startCluster } from '../cluster.ts';

const cluster = await startCluster();
console.log(JSON.stringify({ pids: cluster.pids(), kubeconfig: cluster.kubeconfig }));
// The timer keeps this process alive.
setInterval(() => undefined, 60_000);
