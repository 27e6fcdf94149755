// Started and killed by `watchdog.test.ts`: a cluster whose parent has no chance to clean up.
import { startCluster } from '../cluster.ts';

const cluster = await startCluster();
console.log(JSON.stringify({ pids: cluster.pids(), kubeconfig: cluster.kubeconfig }));
// Nothing else keeps this process alive.
setInterval(() => undefined, 60_000);
