import { defineService } from '@weir/service';

/** Will own HelmRelease. It takes its place among the replicas and owns no kind yet. */
export const service = defineService({
  name: 'helm-release',
  controllers: ['helm-controller'],
  start: async () => ({}),
});
