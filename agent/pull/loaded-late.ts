// What few pulls need: in the executable a module beside the front door's, because all of one that is loaded costs time.
export { readBreakGlass } from './break-glass-file.ts';
export { judgeByHost } from './judge-by-host.ts';
