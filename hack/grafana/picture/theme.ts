// The colours of a picture: Grafana's names, on its dark ground.

const NAMED: Readonly<Record<string, string>> = {
  green: '#73bf69',
  'light-green': '#96d98d',
  orange: '#ff9830',
  red: '#f2495c',
  'dark-red': '#c4162a',
  blue: '#5794f2',
  purple: '#b877d9',
  text: '#ccccdc',
};

/** For series that nobody gave a colour, in turn. */
const PALETTE = [
  ...['#73bf69', '#f2cc0c', '#8ab8ff', '#ff780a', '#f2495c', '#5794f2', '#b877d9', '#705da0'],
  ...['#37872d', '#fade2a', '#447ebc', '#c15c17', '#890f02', '#0a437c', '#6d1f62', '#584477'],
];

export const GROUND = '#111217';
export const CARD = '#181b1f';
export const LINE = '#2c2e33';
export const TEXT = '#ccccdc';
export const MUTED = '#9a9ba6';

/** A colour by Grafana's name; throws a TypeError for one that no dashboard of ours uses. */
export function colorOf(name: string): string {
  const color = NAMED[name];
  if (color === undefined) throw new TypeError(`no colour ${name}`);
  return color;
}

/** The colour of the series in this place. */
export function paletteColor(index: number): string {
  return PALETTE[index % PALETTE.length] ?? TEXT;
}
