// What a row of the tables of rules is.

/** A rule of the Notary Project's specifications, or of an RFC that they rest on, and what shows that it is kept. */
export interface Rule {
  readonly id: string;
  /** In our own words. */
  readonly says: string;
  /** Document and heading. */
  readonly section: Section;
  readonly tests: readonly NamedTest[];
}

export type Section = `${string}.md "${string}"` | `RFC ${string}` | `OCI ${string}`;

export interface NamedTest {
  /** Below test/. */
  readonly file: TestPath;
  /** As the runner prints it: title, or describe > title, where `%s` may stand for any row of its table. */
  readonly name: string;
}

export type TestPath = `${string}.test.ts`;

type Row = readonly [id: string, says: string, ...tests: string[]];

/**
 * Rules of one heading, shown by tests of one file. A test of another file has that in front, as in
 * `verifier/junk.test.ts: before a good one, each large, do not hide it`.
 */
export function rules(section: Section, file: TestPath, rows: readonly Row[]): readonly Rule[] {
  return rows.map(([id, says, ...tests]) => ({
    id,
    says,
    section,
    tests: tests.map((text) => {
      const elsewhere = /^([\w/-]+\.test\.ts): (.*)$/.exec(text);
      if (elsewhere === null) return { file, name: text };
      return { file: (elsewhere[1] ?? '') as TestPath, name: elsewhere[2] ?? '' };
    }),
  }));
}
