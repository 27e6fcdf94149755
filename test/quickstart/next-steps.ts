import { styleText } from 'node:util';
import type { Cluster, TagRegistry } from '@weir/cluster';
import type { Example } from './example.ts';
import { IMAGE } from './images.ts';

/** What a user can try next, as commands for another terminal. */
export function nextSteps({
  cluster,
  example,
  images,
}: {
  cluster: Cluster;
  example: Example;
  images: TagRegistry;
}): string {
  const kubectl = cluster.bin('kubectl');
  const command = (text: string) => `    ${styleText('bold', text)}`;
  return `
The commit ${example.commit.slice(0, 8)} of the example repository ran in the cluster, in two environments, until an image was
pushed: Weir committed its tag, and that commit is what runs now. Both chats have the messages about it. Try in another terminal:

Look around:
${command(`export KUBECONFIG=${cluster.kubeconfig}`)}
${command(`alias kubectl=${kubectl}`)}
${command('kubectl get gitrepositories,kustomizations,helmreleases -A')}
${command('kubectl get all -n greeter-production')}

Change something and push it; it is applied within a second:
${command(`git clone ${example.url} example && cd example`)}
${command("sed -i 's/count: 3/count: 5/' environments/production/kustomization.yaml")}
${command("git commit -am 'Greet more' && git push")}

Push another image, or its tag at least; it is committed and applied within a second:
${command(`curl -X PUT ${images.url}/v2/${IMAGE}/manifests/1.2.0 -d '{}'`)}
${command('git pull && git log -2')}

Change something by hand and see it come back:
${command('kubectl get -n greeter-staging deployment/greeter --watch &')}
${command('kubectl scale -n greeter-staging deployment/greeter --replicas=7')}
${command('kubectl edit -n greeter-staging deployment/greeter')}

Change a value of the Helm release; it is upgraded within a second:
${command('kubectl patch -n flux-system helmrelease/banner --type=merge -p \'{"spec":{"values":{"text":"Good night"}}}\'')}
${command('kubectl get -n greeter-banner configmap/banner -o yaml')}

Break something, push it, and read what Weir says:
${command("printf '\\ttab: here\\n' >> apps/base/deployment.yaml")}
${command("git commit -am 'Break it' && git push")}
${command('kubectl get kustomizations -A')}

Ctrl-C ends everything and leaves nothing behind.
`;
}
