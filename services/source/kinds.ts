// The table of kinds of sources for which this service makes artifacts. A new kind is a folder and a row here.
import { openBuckets } from './bucket/kind.ts';
import { openGitRepositories } from './gitrepository/kind.ts';
import { openHelmCharts } from './helmchart/kind.ts';
import { openHelmRepositories } from './helmrepository/kind.ts';
import { openOCIRepositories } from './ocirepository/kind.ts';
import type { OpenKind } from './shared/kind.ts';
import type { SourceObject } from './shared/source.ts';

export const KINDS: readonly OpenKind<SourceObject>[] = [
  openGitRepositories,
  openOCIRepositories,
  openBuckets,
  openHelmRepositories,
  openHelmCharts,
];
