import type { GitServerRepository } from '@weir/cluster';
import { pick, type Random } from './random.ts';

export const NAMESPACE = 'chaos';

/** The current content of the repository: for each app, the value of each of its ConfigMaps by name. */
export interface Model {
  apps: readonly string[];
  expected(app: string): ReadonlyMap<string, string>;
  /** Changes one random app, or all apps, in one commit. Returns the commit's SHA-1. */
  change(repository: GitServerRepository, which: 'one' | 'all'): Promise<string>;
}

const MOST = 6;

/** Makes apps that gain, lose and change ConfigMaps from commit to commit. */
export function createModel(count: number, random: Random): Model {
  const apps = Array.from({ length: count }, (_, index) => `app-${index}`);
  const state = new Map(apps.map((app) => [app, new Map<string, string>()]));
  let commits = 0;

  function evolve(app: string, files: Record<string, string | null>): void {
    const configs = state.get(app) ?? new Map<string, string>();
    commits += 1;
    // One ConfigMap of each app always exists, so that an app is never empty.
    configs.set(`${app}-base`, String(commits));
    files[`${app}/${app}-base.yaml`] = configMap(`${app}-base`, String(commits));
    const name = `${app}-${Math.floor(random() * MOST)}`;
    if (configs.has(name) && random() < 0.5) {
      configs.delete(name);
      files[`${app}/${name}.yaml`] = null;
    } else {
      configs.set(name, String(commits));
      files[`${app}/${name}.yaml`] = configMap(name, String(commits));
    }
  }

  return {
    apps,
    expected: (app) => state.get(app) ?? new Map(),
    change(repository, which) {
      const files: Record<string, string | null> = {};
      for (const app of which === 'all' ? apps : [pick(apps, random)]) evolve(app, files);
      return repository.commit(files);
    },
  };
}

function configMap(name: string, value: string): string {
  return `apiVersion: v1
kind: ConfigMap
metadata: {name: ${name}, namespace: ${NAMESPACE}}
data: {value: "${value}"}
`;
}
