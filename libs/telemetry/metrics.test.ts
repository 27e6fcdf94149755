import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createMetrics, exposeAll } from './metrics.ts';

it('exposes names, labels and buckets exactly as given', async () => {
  const metrics = createMetrics({ service: 's' });
  const labels = { kind: 'Kustomization', name: 'a"b\\c', namespace: 'd' };
  metrics.counter('weir_dropped_total', 'Dropped.').add(2, { why: 'full' });
  metrics.gauge('gotk_reconcile_condition', 'Condition.').set(1, labels);
  const seconds = metrics.histogram('gotk_reconcile_duration_seconds', 'Duration.', [0.1, 1]);
  seconds.record(0.05, labels);
  seconds.record(5, labels);
  const tags = 'kind="Kustomization",name="a\\"b\\\\c",namespace="d"';
  assert.equal(
    await metrics.expose(),
    `# HELP weir_dropped_total Dropped.
# TYPE weir_dropped_total counter
weir_dropped_total{why="full"} 2
# HELP gotk_reconcile_condition Condition.
# TYPE gotk_reconcile_condition gauge
gotk_reconcile_condition{${tags}} 1
# HELP gotk_reconcile_duration_seconds Duration.
# TYPE gotk_reconcile_duration_seconds histogram
gotk_reconcile_duration_seconds_count{${tags}} 2
gotk_reconcile_duration_seconds_sum{${tags}} 5.05
gotk_reconcile_duration_seconds_bucket{${tags},le="0.1"} 1
gotk_reconcile_duration_seconds_bucket{${tags},le="1"} 1
gotk_reconcile_duration_seconds_bucket{${tags},le="+Inf"} 2
`,
  );
});

it('forgets the series of a deleted object until it is back', async () => {
  const metrics = createMetrics({ service: 's' });
  const gauge = metrics.gauge('up', 'Up.');
  const counter = metrics.counter('seen_total', 'Seen.');
  for (const name of ['a', 'b']) {
    gauge.set(1, { name });
    counter.add(1, { name });
  }
  gauge.remove({ name: 'a' });
  counter.remove({ name: 'a' });
  const text = await metrics.expose();
  assert.doesNotMatch(text, /name="a"/);
  assert.match(text, /up\{name="b"\} 1/);
  counter.add(1, { name: 'a' });
  assert.match(await metrics.expose(), /seen_total\{name="a"\} 2/);
});

it('keeps more series than the default limit of the SDK', async () => {
  const metrics = createMetrics({ service: 's' });
  const counter = metrics.counter('many_total', 'Many.');
  for (let i = 0; i < 5_000; i++) counter.add(1, { name: `object-${i}` });
  assert.equal((await metrics.expose()).match(/^many_total\{name=/gm)?.length, 5_000);
});

it('gives one instrument for a name and refuses names that Prometheus would change', () => {
  const metrics = createMetrics({ service: 's' });
  assert.equal(metrics.gauge('up', 'Up.'), metrics.gauge('up', 'Up.'));
  assert.throws(() => metrics.counter('up', 'Up.'), /_total|already/);
  assert.throws(() => metrics.counter('seen', 'Seen.'), /must end in _total/);
  assert.throws(() => metrics.gauge('a.b', 'x'), /no Prometheus metric name/);
});

it('merges the services of a process into one exposition', async () => {
  const [a, b] = [createMetrics({ service: 'a' }), createMetrics({ service: 'b' })];
  a.gauge('up', 'Up.').set(1);
  b.gauge('up', 'Up.').set(2);
  assert.equal(
    await exposeAll([a, b]),
    '# HELP up Up.\n# TYPE up gauge\nup{service="a"} 1\nup{service="b"} 2\n',
  );
});
