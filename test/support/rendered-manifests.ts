// Manifests as objects: what Helm renders of the chart, and what kustomize builds of an overlay.
import { parseAllDocuments } from 'yaml';
import { outputOf, runTool, type ToolEnded } from './kubernetes-tools.ts';

export const CHART = 'manifests/chart/nodeseal';
export const NAMESPACE = 'nodeseal';

/** An object of Kubernetes, as far as every one is alike. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [member: string]: unknown;
}

/** Values of the chart; see values.yaml. */
export type ChartValues = Readonly<Record<string, unknown>>;

/** What a chart that judges by the hosts' own policy and trust takes: the least that renders. */
export const HOST_TRUST: ChartValues = { useHostTrustPolicy: true, useHostTrustStores: true };

/** `helm template`, to its end. */
export function helmTemplate(values: ChartValues, ...args: readonly string[]): ToolEnded {
  const words = ['template', 'nodeseal', CHART, '--namespace', NAMESPACE, '--values', '-', ...args];
  return runTool('helm', words, JSON.stringify(values));
}

/** The objects that the chart renders, hooks included. Throws what Helm says against the values. */
export function renderChart(
  values: ChartValues = HOST_TRUST,
  ...args: readonly string[]
): readonly Manifest[] {
  const { code, stdout, stderr } = helmTemplate(values, ...args);
  if (code !== 0) throw new Error(`helm template ended with ${code}: ${stderr}`);
  return parseManifests(stdout);
}

/** The objects that kustomize builds of a folder. */
export function buildKustomization(folder: string): readonly Manifest[] {
  return parseManifests(outputOf('kustomize', ['build', folder]));
}

/** The objects of a stream of YAML documents. Throws for a member that is there twice. */
export function parseManifests(text: string): readonly Manifest[] {
  return parseAllDocuments(text, { uniqueKeys: true }).flatMap((document) => {
    const [fault] = document.errors;
    if (fault !== undefined) throw fault;
    const value = document.toJS() as Manifest | null;
    return value === null ? [] : [value];
  });
}

/** The one object of this kind, and of this name where there are several. */
export function findManifest(
  manifests: readonly Manifest[],
  kind: string,
  name?: string,
): Manifest {
  const found = manifests.filter(
    (one) => one.kind === kind && (name === undefined || one.metadata.name === name),
  );
  const [first] = found;
  if (first === undefined || found.length > 1) {
    throw new Error(`expected one ${kind} ${name ?? ''}, found ${found.length}`);
  }
  return first;
}
