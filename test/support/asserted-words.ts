// Reads which texts a source has as string literals, and which of them a test expects to come out of the code.
import ts from 'typescript';

/** All string literals, but for those in types and in imports. */
export function texts(source: string): ReadonlySet<string> {
  return literalsBelow(parse(source), () => true);
}

/**
 * The words of the string literals that are an argument of an assertion, or in a table of cases that a
 * test walks through, also when the table has a name. What is given to the code under test is not among
 * them, unless it stands in such a table.
 */
export function assertedWords(source: string): ReadonlySet<string> {
  const root = parse(source);
  const tables = namesOfTables(root);
  const texts = literalsBelow(root, (literal) => isExpected(literal, tables));
  return new Set([...texts].flatMap((text) => text.split(' ')));
}

function parse(source: string): ts.SourceFile {
  return ts.createSourceFile('source.ts', source, ts.ScriptTarget.Latest, true);
}

function literalsBelow(root: ts.Node, isMeant: (literal: ts.Node) => boolean): Set<string> {
  const found = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node) || ts.isImportDeclaration(node)) return;
    if (ts.isStringLiteralLike(node) && isMeant(node)) found.add(node.text);
    ts.forEachChild(node, visit);
  };
  visit(root);
  return found;
}

/** Names that a test walks through: `it.each(CASES)`, `for (const one of CASES)`, `Object.entries(CASES)` in them. */
function namesOfTables(root: ts.Node): ReadonlySet<string> {
  const names = new Set<string>();
  const visit = (node: ts.Node, isInTable: boolean): void => {
    if (isInTable && ts.isIdentifier(node)) names.add(node.text);
    ts.forEachChild(node, (child) => visit(child, isInTable || isTableOf(child, node)));
  };
  visit(root, false);
  return names;
}

function isTableOf(node: ts.Node, parent: ts.Node): boolean {
  if (ts.isForOfStatement(parent)) return node === parent.expression;
  return isArgument(node, parent) && calledName(parent) === 'each';
}

function isExpected(literal: ts.Node, tables: ReadonlySet<string>): boolean {
  let isResult = true;
  for (let node = literal; !ts.isSourceFile(node); node = node.parent) {
    const { parent } = node;
    if (isTableOf(node, parent)) return true;
    if (ts.isVariableDeclaration(parent) && tables.has(parent.name.getText())) return true;
    if (isResult && isArgument(node, parent) && isAssertion(parent)) return true;
    // Within a function it is what the code under test is given.
    isResult &&= !ts.isFunctionLike(node);
  }
  return false;
}

function isArgument(node: ts.Node, parent: ts.Node): parent is ts.CallExpression {
  return ts.isCallExpression(parent) && parent.expression !== node;
}

function isAssertion(call: ts.CallExpression): boolean {
  return /^(?:expectCode|expectCodeAsync|to[A-Z]\w*)$/.test(calledName(call));
}

function calledName({ expression }: ts.CallExpression): string {
  if (ts.isPropertyAccessExpression(expression)) return expression.name.text;
  return ts.isIdentifier(expression) ? expression.text : '';
}
