/** Work that ends when told to, and how often it was begun. */
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
