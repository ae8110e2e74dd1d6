// Writes manifests/grafana/*.json, and the chart's copies, from the dashboards here: `npm run dashboards`.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { dashboardJson } from './dashboard.ts';
import { FLEET } from './fleet.ts';
import { NODE } from './node.ts';

const MANIFESTS = fileURLToPath(new URL('../../manifests/', import.meta.url));
/** Where each dashboard is: for whoever imports it, and for the chart, which reads no file outside itself. */
export const FOLDERS = [`${MANIFESTS}grafana/`, `${MANIFESTS}chart/nodeseal/files/`] as const;

/** The files by name. */
export async function dashboardFiles(): Promise<ReadonlyMap<string, string>> {
  const files = [FLEET, NODE].map(async (dashboard) => {
    const json = JSON.stringify(dashboardJson(dashboard));
    return [
      `${dashboard.uid}.json`,
      await format(json, { parser: 'json', printWidth: 100 }),
    ] as const;
  });
  return new Map(await Promise.all(files));
}

if (import.meta.main) {
  for (const [name, json] of await dashboardFiles()) {
    for (const folder of FOLDERS) writeFileSync(folder + name, json);
  }
}
