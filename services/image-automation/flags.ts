import type { Flags } from '@weir/service/flags';

/** The flags that only this service reads. */
export const flags: Flags = {};
