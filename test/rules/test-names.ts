// Which tests a file declares: read from its source, so that nothing has to be run for it.
import ts from 'typescript';

export interface TestFile {
  /** Titles from the outermost describe to the test, as written. */
  readonly tests: readonly (readonly string[])[];
  /** Everything that could stand in the place of a placeholder. */
  readonly literals: ReadonlySet<string>;
  /** Template strings, as what is between their places. */
  readonly templates: readonly (readonly string[])[];
}

const DECLARERS = new Set(['describe', 'it', 'test']);
/** As the runner knows them, of printf and of objects; the pattern for a literal percent sign as well. */
const PLACEHOLDER = /%[sdifjoc#%]|\$[\w.]+/;

export function readTestFile(text: string): TestFile {
  const root = ts.createSourceFile('file.ts', text, ts.ScriptTarget.Latest, true);
  const tests: (readonly string[])[] = [];
  const literals = new Set(['undefined', 'null', 'true', 'false']);
  const templates: (readonly string[])[] = [];
  const visit = (node: ts.Node, outer: readonly string[]): void => {
    if (ts.isStringLiteralLike(node) || ts.isNumericLiteral(node) || ts.isIdentifier(node)) {
      literals.add(node.text);
    }
    if (isShort(node)) templates.push(textsOf(node));
    const declared = ts.isCallExpression(node) ? declarationOf(node) : undefined;
    const titles = declared === undefined ? outer : [...outer, declared.title];
    if (declared?.isTest === true) tests.push(titles);
    ts.forEachChild(node, (child) => {
      visit(child, titles);
    });
  };
  visit(root, []);
  return { tests, literals, templates };
}

/** Tells whether a file declares a test by this name, with or without the describes around it. */
export function declares(file: TestFile, name: string): boolean {
  return file.tests.some((titles) =>
    titles.some((_, index) => isNamed(titles.slice(index).join(' > '), name, file)),
  );
}

/** The title itself, or one with something from the file in each of its places. */
function isNamed(title: string, name: string, file: TestFile): boolean {
  if (title === name) return true;
  const values = valuesIn(title.split(PLACEHOLDER), name);
  return values?.every((value) => isValue(value, file) || isValue(unquoted(value), file)) ?? false;
}

function isValue(text: string, { literals, templates }: TestFile): boolean {
  if (literals.has(text)) return true;
  return templates.some(
    (parts) => valuesIn(parts, text)?.every((value) => literals.has(value)) ?? false,
  );
}

/** What stands in the places between the parts; undefined if the text is not made of them. */
function valuesIn(parts: readonly string[], text: string): readonly string[] | undefined {
  if (parts.length === 1) return undefined;
  return new RegExp(`^${parts.map(escape).join('(.*)')}$`, 's').exec(text)?.slice(1);
}

/** Of one row of a table: those of many places take long to compare, and are none. */
function isShort(node: ts.Node): node is ts.TemplateExpression {
  return ts.isTemplateExpression(node) && node.templateSpans.length <= 2;
}

function textsOf({ head, templateSpans }: ts.TemplateExpression): readonly string[] {
  return [head.text, ...templateSpans.map(({ literal }) => literal.text)];
}

/** `it('…')`, `describe.each(table)('…')` and their like. */
function declarationOf(
  call: ts.CallExpression,
): { readonly title: string; readonly isTest: boolean } | undefined {
  const [title] = call.arguments;
  if (title === undefined || !ts.isStringLiteralLike(title)) return undefined;
  let callee: ts.Expression = call.expression;
  while (ts.isCallExpression(callee) || ts.isPropertyAccessExpression(callee)) {
    callee = callee.expression;
  }
  if (!ts.isIdentifier(callee) || !DECLARERS.has(callee.text)) return undefined;
  return { title: title.text, isTest: callee.text !== 'describe' };
}

function escape(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

function unquoted(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'string' ? value : text;
  } catch {
    return text;
  }
}
