import { joinMembership } from '@weir/controller';
import { leaseTimes, type Service } from '@weir/service';

/** Will own ImageRepository, ImagePolicy and ImageUpdateAutomation. It takes its place among the replicas and owns no kind yet. */
export const service: Service = {
  name: 'image-automation',

  async start({ client, namespace, instance, log, settings }) {
    const membership = await joinMembership({
      client,
      namespace,
      service: 'image-automation',
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
