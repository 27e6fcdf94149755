// All that is fuzzed: a new target is a file in `targets/` and a row here.
import type { Target } from './target.ts';
import { archives } from './targets/archives.ts';
import { charts } from './targets/charts.ts';
import { dockerConfigs } from './targets/docker-configs.ts';
import { encryptedFiles } from './targets/encrypted-files.ts';
import { gitReplies } from './targets/git-replies.ts';
import { kubeconfigs } from './targets/kubeconfigs.ts';
import { kustomizations } from './targets/kustomizations.ts';

/** A target whose inputs are of a type that only it knows. */
export type AnyTarget = Target<unknown>;

export const TARGETS: readonly AnyTarget[] = [
  archives,
  kustomizations,
  charts,
  encryptedFiles,
  dockerConfigs,
  kubeconfigs,
  gitReplies,
] as readonly unknown[] as readonly AnyTarget[];
