import { joinMembership } from '@weir/controller';
import { leaseTimes, type Service } from '@weir/service';

/** Will own HelmRelease. It takes its place among the replicas and owns no kind yet. */
export const service: Service = {
  name: 'helm-release',

  async start({ client, namespace, instance, log, settings }) {
    const membership = await joinMembership({
      client,
      namespace,
      service: 'helm-release',
      instance,
      ...leaseTimes(settings),
      log,
    });
    return {
      ready: () => membership.healthy() || 'not a member of the replicas yet',
      close: () => membership.close(),
    };
  },
};
