// What differs from Flux on purpose, and where docs/compatibility.md says why.
import type { Rule } from '../compare.ts';

export const HELM_RULES: readonly Rule[] = [];
