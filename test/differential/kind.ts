// What a kind of case is: parameters, and how the world looks for each combination of them.
import type { Descriptor } from '../../agent/oci/descriptor.ts';
import type { ValidationType } from '../../agent/notation/verification/verdict.ts';
import type { TestRegistry } from '../support/registry.ts';
import type { PluginOptions } from '../support/verification-plugin.ts';

/** Where a verification ends, or would if the level did not merely log it. */
export type Step = ValidationType | 'policy' | 'signatures' | 'nothing';

/** Puts something at the image: a signature, or what stands in the place of one. */
export type Attach = (place: Place) => void;

/** One image of its own for each case, in a registry. */
export interface Place {
  readonly registry: TestRegistry;
  /** Repository without the registry. */
  readonly repository: string;
  readonly image: Descriptor;
}

/** What a case may refer to. */
export interface Given extends Place {
  /** `registry/repository`: the scope of the case. */
  readonly scope: string;
  /** The real time: notation has no other. */
  readonly now: Date;
  /** Serves what an OCSP responder or a CRL's server answers; returns the address, `http://…`. */
  readonly serve: (answer: () => WebAnswer) => string;
}

/** Bytes with 200, or a status alone, or no answer at all. */
export type WebAnswer = Uint8Array | { readonly status: number } | 'silence';

/** A file, a link to a path, or an empty directory. */
export type Entry = Uint8Array | { readonly link: string } | 'directory';

/** The world of one case: what both programs are given. */
export interface Setup {
  /** The trust policy document, or what is in its place; null for nothing. */
  readonly policy: Entry | null;
  /** By path below `truststore/x509`. */
  readonly stores: Readonly<Record<string, Entry>>;
  /** In the order in which the registry lists them. */
  readonly signatures: readonly Attach[];
  readonly plugins: readonly PluginOptions[];
  /** As both are asked. */
  readonly reference: string;
  /** What the case is about: where nodeseal finds the fault. `nothing` means that all is well. */
  readonly fault: Step;
}

/** How a registry lists signatures. */
export type Listing = 'referrers' | 'pages' | 'tag' | 'unfiltered';

/** The values of one parameter by their labels. */
type Axis = Readonly<Record<string, unknown>>;
type Axes = Readonly<Record<string, Axis>>;
type Values<A extends Axes> = { readonly [Name in keyof A]: A[Name][keyof A[Name]] };

interface KindDefinition<A extends Axes> {
  /** Unique; what the cases have in common. */
  readonly name: string;
  readonly parameters: A;
  /** Default `referrers`. */
  readonly listing?: Listing;
  readonly build: (values: Values<A>, given: Given) => Setup;
}

/** One case: a kind and a value for each of its parameters. */
export interface Case {
  readonly kind: string;
  /** Label of each parameter's value: with the kind, what tells a case from all others. */
  readonly labels: Readonly<Record<string, string>>;
  readonly listing: Listing;
  readonly build: (given: Given) => Setup;
}

/** A kind with all its cases: every combination of its parameters. */
export interface Kind {
  readonly name: string;
  readonly cases: readonly Case[];
}

/** Defines a kind by its parameters. */
export function kind<A extends Axes>(definition: KindDefinition<A>): Kind {
  const { name, parameters, listing = 'referrers', build } = definition;
  let combinations: Readonly<Record<string, string>>[] = [{}];
  for (const [parameter, axis] of Object.entries(parameters)) {
    combinations = combinations.flatMap((combination) =>
      Object.keys(axis).map((label) => ({ ...combination, [parameter]: label })),
    );
  }
  const cases = combinations.map((labels) => {
    const values = Object.entries(labels).map(([parameter, label]) => {
      return [parameter, parameters[parameter]?.[label]] as const;
    });
    return {
      kind: name,
      labels,
      listing,
      build: (given: Given) => build(Object.fromEntries(values) as Values<A>, given),
    };
  });
  return { name, cases };
}

/** An axis whose values are their own labels. */
export function each<const Label extends string>(
  ...labels: readonly Label[]
): { readonly [Name in Label]: Name } {
  return Object.fromEntries(labels.map((label) => [label, label])) as {
    readonly [Name in Label]: Name;
  };
}

/** An axis of values of one type. */
export function values<Value>(
  axis: Readonly<Record<string, Value>>,
): Readonly<Record<string, Value>> {
  return axis;
}

/** `kind, parameter: label, …`: the name of a case, unique among all. */
export function caseName({ kind: name, labels }: Case): string {
  return [name, ...Object.entries(labels).map(([key, label]) => `${key}: ${label}`)].join(', ');
}
