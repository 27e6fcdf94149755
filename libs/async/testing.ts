/** Makes work that a test can end: `runs` has one entry for each time the work was begun. */
export function controlled() {
  const runs: PromiseWithResolvers<number>[] = [];
  return {
    runs,
    work: () => {
      const run = Promise.withResolvers<number>();
      runs.push(run);
      return run.promise;
    },
  };
}
