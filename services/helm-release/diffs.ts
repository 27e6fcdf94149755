import type { Diffs } from '@weir/service';
import { diff } from './helmrelease/diff/diff.ts';

/** What objects of this service would change, by kind. */
export const diffs: Diffs = { helmrelease: diff };
