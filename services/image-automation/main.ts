import { defineService } from '@weir/service';

/** Will own the image kinds. It takes its place among the replicas and owns no kind yet. */
export const service = defineService({
  name: 'image-automation',
  controllers: ['image-reflector-controller', 'image-automation-controller'],
  start: async () => ({}),
});
