// What differs from Flux on purpose. `id` is the heading in docs/compatibility.md that says why.
import type { Rule } from './compare.ts';

export const RULES: readonly Rule[] = [];
