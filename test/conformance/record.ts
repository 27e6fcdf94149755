// Plays fixtures against Flux and writes down what is left.
import { type Fixture, furtherNamespaces } from './fixture.ts';
import { type Golden, writeGolden } from './golden.ts';
import { play } from './play/play.ts';
import { runSession, type SessionSettings } from './session.ts';
import { settle } from './settle.ts';
import { isMoving, type Scope, takeSnapshot } from './snapshot.ts';

/** Flux looks at health every 5 s; whatever else it does follows at once. */
const QUIET_MS = 2_500;
const TIMEOUT_MS = 30_000;

/** Records all fixtures; returns the ids of those that could not be played. `print` gets lines for people. */
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
    async each(fixture, { client, git, listener }) {
      const snapshots: Golden['snapshots'] = {};
      const take = () => takeSnapshot(client, listener, scopeOf(fixture));
      const snapshot = async (label: string) => {
        snapshots[label] = await settle({
          take,
          isMoving,
          quietMs: QUIET_MS,
          timeoutMs: TIMEOUT_MS,
        });
      };
      try {
        await play(fixture, { client, git, snapshot });
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

/** What belongs to a fixture. */
export function scopeOf(fixture: Fixture): Scope {
  const { namespace, kinds } = fixture;
  return { namespace, namespaces: furtherNamespaces(fixture), kinds };
}
