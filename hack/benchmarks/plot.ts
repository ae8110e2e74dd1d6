// Plots as SVG, for a light and for a dark page: lines in panels side by side, and ranges beside what was promised.
import { type EChartsOption, init } from 'echarts';

/** What a page is read in. */
export type Theme = 'light' | 'dark';

interface Colors {
  readonly text: string;
  readonly line: string;
  readonly series: readonly string[];
  readonly good: string;
  readonly bad: string;
}

/** Both legible for whoever tells colours apart badly; nothing is told by colour alone. */
export const COLORS: Readonly<Record<Theme, Colors>> = {
  light: {
    ...{ text: '#24292f', line: '#d0d7de', good: '#0969da', bad: '#bc4c00' },
    series: ['#0969da', '#bc4c00', '#1a7f37', '#8250df'],
  },
  dark: {
    ...{ text: '#c9d1d9', line: '#3d444d', good: '#58a6ff', bad: '#f0883e' },
    series: ['#58a6ff', '#f0883e', '#3fb950', '#bc8cff'],
  },
};

const FONT = { fontFamily: 'sans-serif', fontSize: 12 };

/** Draws on nothing, so that the page is the ground. The same for the same options. */
export function draw(
  option: EChartsOption,
  theme: Theme,
  size: { readonly width: number; readonly height: number },
): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, ...size });
  const { text } = COLORS[theme];
  chart.setOption({ animation: false, textStyle: { ...FONT, color: text }, ...option });
  const svg = chart.renderToSVGString();
  chart.dispose();
  // The library numbers what it draws through the life of the process.
  const names = new Map<string, string>();
  const rename = (name: string): string => {
    const own = names.get(name) ?? `n${names.size}`;
    names.set(name, own);
    return own;
  };
  return `${svg.replaceAll(/zr\d+-[a-z]+-?\d+/g, rename)}\n`;
}
