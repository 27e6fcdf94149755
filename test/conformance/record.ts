// Plays fixtures against Flux and records the resulting cluster.
import { type Fixture, furtherNamespaces } from './fixture.ts';
import { type Golden, writeGolden } from './golden.ts';
import { play } from './play/play.ts';
import { type Places, runSession, type SessionSettings } from './session.ts';
import { settle } from './settle.ts';
import { isMoving, type Scope, takeSnapshot } from './snapshot.ts';

/** A cluster counts as settled when nothing has changed for this long, in ms. A run under way is always waited for. */
const QUIET_MS = 2_500;
const TIMEOUT_MS = 30_000;

/** Records all fixtures, and returns the ids of those that could not be played. `print` gets lines about the progress. */
export async function recordAll(
  fixtures: readonly Fixture[],
  settings: SessionSettings,
  print: (line: string) => void,
): Promise<string[]> {
  const failed: string[] = [];
  await runSession({
    ...settings,
    system: 'flux',
    fixtures,
    async each(fixture, { client, git, listener, places }) {
      const snapshots: Golden['snapshots'] = {};
      const take = () => takeSnapshot(client, listener, scopeOf(fixture, places));
      const snapshot = async (label: string) => {
        snapshots[label] = await settle({
          take,
          isMoving,
          quietMs: QUIET_MS,
          timeoutMs: TIMEOUT_MS,
        });
      };
      try {
        await play(fixture, { client, git, places, snapshot });
        await writeGolden(fixture, snapshots);
        print(`recorded ${fixture.id}`);
      } catch (error) {
        failed.push(fixture.id);
        print(`FAILED ${fixture.id}: ${String(error)}`);
      }
    },
  });
  return failed;
}

/** The namespaces and kinds that belong to a fixture. */
export function scopeOf(fixture: Fixture, { remote }: Places): Scope {
  const { namespace, kinds } = fixture;
  return {
    ...{ namespace, namespaces: furtherNamespaces(fixture), kinds },
    ...(fixture.remote && remote !== undefined ? { remote: remote.client } : {}),
  };
}
