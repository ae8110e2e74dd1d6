// Reads a source file's text for the layout test: what it imports and how it touches the world.
import ts from 'typescript';

/** One import, export-from, dynamic import or import type. */
export interface ImportOf {
  /** As written; `*` for a dynamic import of something that is not a literal. */
  readonly specifier: string;
  /** Erased before the program runs: names a shape, calls nothing. */
  readonly isTypeOnly: boolean;
}

export interface SourceFile {
  readonly path: string;
  readonly imports: readonly ImportOf[];
  /** Clock, chance, timers and other ambient things it uses, such as `Date.now` or `process`; sorted, each once. */
  readonly ambient: readonly string[];
  readonly hasDefaultExport: boolean;
  readonly lineCount: number;
  /** After the line that names the interpreter, where there is one. */
  readonly firstLine: string;
}

/** Any use of these names is a use of the world. */
const AMBIENT_NAMES = new Set([
  ...['process', 'performance', 'console', 'crypto', 'fetch', 'navigator', 'localStorage'],
  ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'],
  ...['WebSocket', 'EventSource', 'Worker', 'BroadcastChannel', 'MessageChannel'],
  ...['globalThis', 'global', 'eval', 'Function', 'require', 'Bun', 'Deno', 'WebAssembly'],
]);

/**
 * Of these names only the listed members, or the name where it is handed on: `new Date(value)` and
 * `Math.max` are pure, `new Date()` and `const { random } = Math` are not.
 */
const AMBIENT_MEMBERS = new Map([
  ['Date', new Set(['now'])],
  ['Math', new Set(['random'])],
  ['AbortSignal', new Set(['timeout'])],
]);

/**
 * Reads one file. Names are resolved, so a parameter called `fetch` is no use of the world. Types are
 * not: a value that reaches the world through an argument is its caller's.
 */
export function readSourceFile(path: string, text: string): SourceFile {
  const { root, isAmbient } = bind(path, text);
  const imports: ImportOf[] = [];
  const ambient = new Set<string>();
  let hasDefaultExport = false;
  const visit = (node: ts.Node): void => {
    const found = importOf(node);
    if (found !== undefined) imports.push(found);
    const used = ambientUse(node, isAmbient);
    if (used !== undefined) ambient.add(used);
    hasDefaultExport ||= isDefaultExport(node);
    ts.forEachChild(node, visit);
  };
  visit(root);
  const lines = text.split('\n');
  return {
    path,
    imports,
    ambient: [...ambient].sort(),
    hasDefaultExport,
    lineCount: text.endsWith('\n') ? lines.length - 1 : lines.length,
    firstLine: lines.find((line) => !line.startsWith('#!')) ?? '',
  };
}

/** Parses the text and tells of an identifier whether the file itself declares it. */
function bind(path: string, text: string) {
  const root = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const host: ts.CompilerHost = {
    getSourceFile: (name) => (name === path ? root : undefined),
    fileExists: (name) => name === path,
    readFile: () => undefined,
    writeFile: () => undefined,
    getDefaultLibFileName: () => '',
    getCurrentDirectory: () => '/',
    getCanonicalFileName: (name) => name,
    useCaseSensitiveFileNames: () => true,
    getNewLine: () => '\n',
  };
  const options = { noLib: true, noResolve: true, types: [], target: ts.ScriptTarget.Latest };
  const checker = ts.createProgram([path], options, host).getTypeChecker();
  const isAmbient = (name: ts.Identifier): boolean => {
    const symbol = ts.isShorthandPropertyAssignment(name.parent)
      ? checker.getShorthandAssignmentValueSymbol(name.parent)
      : checker.getSymbolAtLocation(name);
    return (symbol?.declarations ?? []).length === 0;
  };
  return { root, isAmbient };
}

function importOf(node: ts.Node): ImportOf | undefined {
  if (ts.isImportDeclaration(node)) {
    return { specifier: literal(node.moduleSpecifier), isTypeOnly: isErased(node.importClause) };
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
    return { specifier: literal(node.moduleSpecifier), isTypeOnly: node.isTypeOnly };
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return { specifier: literal(node.argument.literal), isTypeOnly: true };
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    return { specifier: literal(node.arguments[0]), isTypeOnly: false };
  }
  return undefined;
}

function literal(node: ts.Node | undefined): string {
  return node !== undefined && ts.isStringLiteralLike(node) ? node.text : '*';
}

/** `import type …`, or `import { type A, type B }`, which leaves nothing to be called. */
function isErased(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const { name, namedBindings } = clause;
  if (name !== undefined || namedBindings === undefined || !ts.isNamedImports(namedBindings)) {
    return false;
  }
  return namedBindings.elements.every((element) => element.isTypeOnly);
}

function ambientUse(
  node: ts.Node,
  isAmbient: (name: ts.Identifier) => boolean,
): string | undefined {
  if (ts.isMetaProperty(node) && node.keywordToken === ts.SyntaxKind.ImportKeyword) {
    return 'import.meta';
  }
  if (!ts.isIdentifier(node) || !isValue(node)) return undefined;
  const use = nameOfUse(node);
  return use !== undefined && isAmbient(node) ? use : undefined;
}

/** Not a type, nor the name by which a member, an import or an export is picked. */
function isValue(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPartOfTypeNode(node)) return false;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isBindingElement(parent)) return parent.propertyName !== node;
  return !ts.isImportSpecifier(parent) && !ts.isExportSpecifier(parent);
}

function nameOfUse(node: ts.Identifier): string | undefined {
  const { text, parent } = node;
  const members = AMBIENT_MEMBERS.get(text);
  if (members === undefined) return AMBIENT_NAMES.has(text) ? text : undefined;
  if (ts.isPropertyAccessExpression(parent)) {
    return members.has(parent.name.text) ? `${text}.${parent.name.text}` : undefined;
  }
  if (ts.isBinaryExpression(parent)) return undefined; // instanceof
  if (text === 'Date' && ts.isNewExpression(parent)) {
    return (parent.arguments ?? []).length === 0 ? 'new Date()' : undefined;
  }
  return text;
}

function isDefaultExport(node: ts.Node): boolean {
  if (ts.isExportAssignment(node)) return true;
  if (ts.isExportSpecifier(node)) return node.name.text === 'default';
  const modifiers = ts.canHaveModifiers(node) ? (ts.getModifiers(node) ?? []) : [];
  return modifiers.some((modifier) => modifier.kind === ts.SyntaxKind.DefaultKeyword);
}
