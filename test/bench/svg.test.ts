import assert from 'node:assert/strict';
import { it } from 'node:test';
import { barChart, ticksUpTo } from './svg.ts';

it('draws a bar of the right height for each value', () => {
  const svg = barChart({
    title: 'Times <of all>',
    axis: 'seconds',
    series: [
      { name: 'a', title: 'System A' },
      { name: 'b', title: 'System B' },
    ],
    panels: [
      {
        title: 'install',
        groups: [
          {
            label: 'N=1',
            bars: [
              { series: 'a', value: 2 },
              { series: 'b', value: 4 },
            ],
          },
        ],
      },
    ],
    format: String,
  });
  const heights = [...svg.matchAll(/<rect [^>]*y="[\d.]+"[^>]*height="([\d.]+)" fill/g)]
    .map(([, height]) => Number(height))
    .filter((height) => height > 11);
  assert.equal(heights.length, 2);
  assert.equal(heights[1], 2 * (heights[0] ?? 0));
  assert.match(svg, /Times &lt;of all&gt;/);
  assert.match(svg, /System A.*System B.*vertical axes: seconds/s);
  assert.match(svg, /prefers-color-scheme: dark/);
});

it('has an axis of round numbers', () => {
  assert.deepEqual(ticksUpTo(0), [0, 1]);
  assert.deepEqual(ticksUpTo(4), [0, 1, 2, 3, 4]);
  assert.deepEqual(ticksUpTo(275), [0, 100, 200, 300]);
  assert.deepEqual(ticksUpTo(0.9), [0, 0.25, 0.5, 0.75, 1]);
});
