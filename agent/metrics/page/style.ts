// How the status page looks: light or dark as the reader has it, on wide and narrow screens and on paper.
import { markup } from './markup.ts';

/** The whole style sheet; the page's security policy names its hash, so nothing may be put into it. */
export const STYLE = markup`
:root {
  color-scheme: light dark;
  --ground: #fff; --card: #f5f6f8; --text: #1a1c20; --muted: #545a64; --line: #cfd4dc;
  --good: #17632f; --unsure: #7d4b00; --bad: #a8152a; --link: #0b57a4;
  --verified: #2c8a4b; --stale: #7c9c2e; --inconclusive: #d9a21b; --unverified: #9aa1ad; --failed: #cc2f45;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14161a; --card: #1d2026; --text: #e8eaee; --muted: #aab0bb; --line: #3b404a;
    --good: #6fd490; --unsure: #f2b95f; --bad: #ff9494; --link: #8fc3ff;
    --verified: #3ea363; --stale: #9dbf4a; --inconclusive: #e0b040; --unverified: #737a87; --failed: #f0606f;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 78rem; background: var(--ground); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.25rem; margin: 0; }
h2 { font-size: 1.25rem; margin: 0 0 .5rem; }
h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
p { margin: 0 0 .5rem; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
code { font: .875em/1.4 ui-monospace, monospace; color: var(--muted); }
small, caption, time { color: var(--muted); font-size: .875rem; }
time, .word { white-space: nowrap; }
table + p { margin-top: .5rem; }
header { display: flex; flex-wrap: wrap; gap: 0 1.5rem; align-items: baseline; margin-bottom: 1rem; }
header p { margin: 0; color: var(--muted); }
section { margin: 0 0 1.5rem; padding: 1rem 1.25rem; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; }
.state { border-left: .75rem solid currentColor; }
.state > :not(h2) { color: var(--text); }
.state h2 { font-size: 2rem; line-height: 1.2; }
.good { color: var(--good); } .unsure { color: var(--unsure); } .bad { color: var(--bad); } .plain { color: inherit; }
.state dl .unsure, .state dl .bad { font-weight: 700; }
.causes { margin: 0; padding-left: 1.5rem; }
.causes p { margin: 0; }
.causes li { margin: 0 0 .75rem; }
dl { display: flex; flex-wrap: wrap; gap: .25rem 2rem; margin: 0; }
dl div { min-width: 0; }
dt { color: var(--muted); font-size: .875rem; }
dd { margin: 0; }
.bar { display: block; width: 100%; height: 1.5rem; margin: 0 0 .75rem; border-radius: .25rem; }
.key { display: inline-block; width: .75rem; height: .75rem; margin-right: .5rem; border-radius: .125rem; }
.key.verified { background: var(--verified); } .key.stale { background: var(--stale); }
.key.inconclusive { background: var(--inconclusive); } .key.unverified { background: var(--unverified); }
.key.failed { background: var(--failed); }
rect.verified { fill: var(--verified); } rect.stale { fill: var(--stale); }
rect.inconclusive { fill: var(--inconclusive); } rect.unverified { fill: var(--unverified); }
rect.failed { fill: var(--failed); }
table { width: 100%; border-collapse: collapse; }
caption { text-align: left; padding-bottom: .25rem; }
th, td { padding: .375rem .75rem .375rem 0; text-align: left; vertical-align: top; border-top: 1px solid var(--line); }
thead th { border-top: 0; color: var(--muted); font-size: .875rem; white-space: nowrap; overflow-wrap: normal; }
tbody th { font-weight: 600; }
tbody th:has(code) { min-width: 17rem; }
tbody td:has(code) { min-width: 12rem; }
tbody th code { display: block; font-weight: 400; }
.badge { padding: 0 .5rem; border: 1px solid currentColor; border-radius: 1rem; white-space: nowrap; }
form { display: flex; flex-wrap: wrap; gap: .75rem 1.25rem; align-items: end; margin: 0 0 .75rem; }
form label { display: block; font-size: .875rem; }
select, input, button { font: inherit; color: inherit; }
select, [type=search], button { min-height: 2.5rem; padding: .25rem .75rem; background: var(--ground);
  border: 1px solid var(--muted); border-radius: .375rem; max-width: 100%; }
[type=search] { width: 20rem; }
[type=checkbox] { width: 1.25rem; height: 1.25rem; vertical-align: middle; }
footer ul { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; margin: 0; padding: 0; list-style: none; color: var(--muted); }
.skip { position: absolute; left: -100rem; }
.skip:focus { position: static; }
@media (max-width: 48rem) {
  body { padding: .5rem; }
  section { padding: .75rem; }
  thead { position: absolute; left: -100rem; }
  table, caption, tbody, tbody tr, tbody th, tbody td { display: block; }
  tbody tr { padding: .5rem 0; border-top: 1px solid var(--line); }
  tbody th, tbody td, tbody :has(code) { min-width: 0; padding: 0; border: 0; }
  tbody td::before { content: attr(data-title) ": "; color: var(--muted); font-size: .875rem; }
  [type=search] { width: 100%; }
}
@media print {
  :root { color-scheme: light; --ground: #fff; --card: #fff; --text: #000; --muted: #444; --line: #999;
    --good: #17632f; --unsure: #7d4b00; --bad: #a8152a; --link: #000; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  form, footer, .skip { display: none; }
  section { padding: .5rem 0; border-width: 0 0 1px; }
  .state { border-left-width: .75rem; padding-left: 1rem; }
  tr, li { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .bar, .key { print-color-adjust: exact; }
  time[title]::after { content: " (" attr(datetime) ")"; }
}
`;
