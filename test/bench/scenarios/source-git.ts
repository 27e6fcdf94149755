// What it costs to look at branches of one Git host that don't change.
import { GitRepository } from '@weir/api';
import { mapBounded } from '@weir/async';
import type { OwnScenario } from '../scenario.ts';
import { named, whileIdle, withSources } from '../sources.ts';

const SOURCES = 100;
const INTERVAL = '10s';
const AT_A_TIME = 4;

export const sourceGit: OwnScenario = {
  kind: 'own',
  name: 'source-git',
  about: `${SOURCES} GitRepositories of one host with nothing new, every ${INTERVAL}`,
  runs: 'sources',
  sizes: () => [SOURCES],
  async run(trial) {
    const { environment, idleSeconds, progress } = trial;
    const { git } = environment;
    progress(`${SOURCES} repositories`);
    const specs = named(SOURCES, 'repo', (index) => ({
      ...{ interval: INTERVAL, ref: { branch: 'main' } },
      url: `${git.url}/repo-${index}.git`,
    }));
    await mapBounded(Object.keys(specs), AT_A_TIME, async (name) => {
      const repository = await git.createRepository(name);
      await repository.commit({ 'a.yaml': `name: ${name}\n` });
    });
    return withSources(trial, GitRepository, specs, async ({ readyMs }) => {
      const clear = () => git.clearRequests();
      const { requests, spent } = await whileIdle(trial, 'source-git', { ...git, clear });
      return [
        {
          id: 'source-git',
          name: `${sourceGit.about}: ${requests} requests of the host in ${idleSeconds} s`,
          ...{ apps: SOURCES, count: 1, unit: `${idleSeconds} s`, spent },
          times: { 'all Ready at first': [readyMs] },
        },
      ];
    });
  },
};
