// Bar charts as SVG: small panels side by side, each with an axis of its own that starts at zero.

export interface Bar {
  /** The name of the series of the chart that the bar belongs to. */
  series: string;
  value: number;
}

export interface Group {
  /** The text below the bars. */
  label: string;
  bars: Bar[];
}

export interface Panel {
  title: string;
  groups: Group[];
}

export interface Chart {
  title: string;
  /** The quantity and unit that the axes of all panels show. */
  axis: string;
  series: { name: string; title: string }[];
  panels: Panel[];
  /** The text of a value beside its bar. */
  format(value: number): string;
}

const PANEL = { height: 230, gap: 24 };
/** Charts with at most five bars in each panel use narrow panels. Sizes are in pixels. */
const NARROW = { bars: 5, width: 270, perRow: 3 };
const WIDE = { width: 417, perRow: 2 };
/** The margins around the bars of a panel, in pixels. */
const INSET = { left: 46, right: 8, top: 40, bottom: 40 };
const HEAD = 70;
const MARGIN = 16;
/** Colours that are readable on white and on black, and that people with red-green colour blindness can distinguish. */
const COLORS = ['#1a85d6', '#d9730d', '#8a6bbf'];
/** The text is readable on white and on black, and more so when the viewer states its colour scheme. */
const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #6e7781; }
  .title { font-size: 16px; font-weight: 600; }
  .panel { font-weight: 600; }
  .tick, .label, .value { font-size: 11px; }
  line { stroke: #8c959f; stroke-opacity: .5; }
  @media (prefers-color-scheme: light) { text { fill: #24292f; } .tick { fill: #57606a; } }
  @media (prefers-color-scheme: dark) { text { fill: #e6edf3; } .tick { fill: #9ea7b3; } }
`;

/** Draws a chart and returns the text of an SVG file. */
export function barChart(chart: Chart): string {
  const bars = chart.panels.map(({ groups }) => groups.flatMap((group) => group.bars).length);
  const size = Math.max(...bars) > NARROW.bars ? WIDE : NARROW;
  const columns = Math.min(size.perRow, chart.panels.length);
  const rows = Math.ceil(chart.panels.length / size.perRow);
  // A chart is at least as wide as a row of narrow panels, because title and legend need that room.
  const width = Math.max(
    2 * MARGIN + columns * size.width + (columns - 1) * PANEL.gap,
    2 * MARGIN + 2 * NARROW.width,
  );
  const height = HEAD + rows * (PANEL.height + PANEL.gap);
  const panels = chart.panels.map((panel, index) => {
    const x = MARGIN + (index % size.perRow) * (size.width + PANEL.gap);
    const y = HEAD + Math.floor(index / size.perRow) * (PANEL.height + PANEL.gap);
    return `<g transform="translate(${x} ${y})">${drawPanel(panel, size.width, chart)}</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<title>${escapeXml(chart.title)}</title>
<style>${STYLE}</style>
${text(MARGIN, 24, chart.title, 'title')}
${legend(chart)}
${panels.join('\n')}
</svg>
`;
}

function legend({ series, axis }: Chart): string {
  let x = MARGIN;
  const entries = series.map(({ title }, index) => {
    const entry = `<rect x="${x}" y="38" width="11" height="11" rx="2" fill="${colorOf(index)}"/>${text(x + 16, 48, title)}`;
    x += 36 + title.length * 7;
    return entry;
  });
  return [...entries, text(x, 48, `vertical axes: ${axis}`, 'tick')].join('');
}

function drawPanel({ title, groups }: Panel, width: number, chart: Chart): string {
  const { left, right, top, bottom } = INSET;
  const inner = { width: width - left - right, height: PANEL.height - top - bottom };
  const base = top + inner.height;
  const values = groups.flatMap(({ bars }) => bars.map(({ value }) => value));
  const ticks = ticksUpTo(Math.max(...values, 0));
  const most = ticks.at(-1) ?? 1;
  const y = (value: number) => base - (value / most) * inner.height;
  const grid = ticks.map(
    (tick) =>
      `<line x1="${left}" x2="${width - right}" y1="${y(tick)}" y2="${y(tick)}"/>` +
      text(left - 6, y(tick) + 4, chart.format(tick), 'tick', 'end'),
  );
  const slot = inner.width / groups.length;
  const drawn = groups.map(({ label, bars }, index) => {
    const barWidth = Math.min(38, (slot - 10) / Math.max(1, bars.length));
    const middle = left + slot * (index + 0.5);
    const first = middle - (barWidth * bars.length) / 2;
    const columns = bars.map(({ series, value }, place) => {
      const x = first + place * barWidth;
      const number = chart.series.findIndex(({ name }) => name === series);
      const box = `x="${x + 1}" y="${y(value)}" width="${barWidth - 2}" height="${base - y(value)}"`;
      const shown = text(x + barWidth / 2, y(value) - 4, chart.format(value), 'value', 'middle');
      return `<rect ${box} fill="${colorOf(number)}"/>${shown}`;
    });
    return columns.join('') + text(middle, base + 16, label, 'label', 'middle');
  });
  return text(0, 16, title, 'panel') + grid.join('') + drawn.join('');
}

/** Round numbers from 0 to the first that is at least `most`: four steps or fewer. */
export function ticksUpTo(most: number): number[] {
  if (most <= 0) return [0, 1];
  const power = 10 ** Math.floor(Math.log10(most / 4));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((it) => it * 4 >= most);
  if (step === undefined) throw new RangeError(`no axis up to ${most}`);
  const count = Math.ceil(most / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, index) => index * step);
}

function colorOf(series: number): string {
  return COLORS[series % COLORS.length] ?? 'gray';
}

function text(x: number, y: number, content: string, kind = '', anchor = 'start'): string {
  const attributes = `${kind && ` class="${kind}"`}${anchor === 'start' ? '' : ` text-anchor="${anchor}"`}`;
  return `<text x="${x}" y="${y}"${attributes}>${escapeXml(content)}</text>`;
}

function escapeXml(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
