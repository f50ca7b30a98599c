import ts from "typescript";
import { replacedWords } from "./english.js";

/** Terms of the docs whose words have another meaning in source code: a promise, ROS's bridge executable, the screen. */
const docsOnly = new Set(["GraspPipeline", "score, guarantee", "end-to-end latency"]);

/** Words of comments and texts that have a plain field term, each with the term to use. */
const wordsOfSources: readonly (readonly [RegExp, string])[] = [
  ...replacedWords.filter(([, say]) => !docsOnly.has(say)),
  [/\bof use\b/i, "useful, works"],
  // An emergency stop is latched; a topic is not.
  [/(?<!emergency stop\b[^.]{0,80})\blatched\b(?! emergency stop\b)/i, "transient local"],
];

/** Words of names, in lower case, that the vocabulary replaces. */
const replacedInNames = new Set([
  ...["picture", "pictures", "sentence", "sentences", "thing", "things", "posture", "postures"],
  ...["way", "ways", "kept", "beside", "asker", "mend", "company", "peer", "peers", "patience", "outbox"],
]);

/** A word in a source file that has a plain field term. */
export interface Finding {
  /** Counted from 1. */
  readonly line: number;
  readonly problem: string;
  /** The name or text that holds the word; of a comment or a longer text the word alone. */
  readonly whole: string;
}

interface Part {
  readonly kind: "comment" | "text" | "name";
  readonly text: string;
  /** Offset in the source. */
  readonly at: number;
}

/** Comments, texts and names of a TypeScript source. */
function parts(source: string, path: string): Part[] {
  const kind = path.endsWith("x") ? ts.ScriptKind.TSX : ts.ScriptKind.TS;
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true, kind);
  const found: Part[] = [];
  const comments = new Map<number, string>();
  const visit = (node: ts.Node): void => {
    if (node.kind !== ts.SyntaxKind.JsxText)
      for (const range of [
        ...(ts.getLeadingCommentRanges(source, node.getFullStart()) ?? []),
        ...(ts.getTrailingCommentRanges(source, node.getEnd()) ?? []),
      ])
        comments.set(range.pos, source.slice(range.pos, range.end));
    const at = node.getStart(file);
    if (ts.isIdentifier(node) || ts.isPrivateIdentifier(node))
      found.push({ kind: "name", text: node.text, at });
    else if (ts.isStringLiteralLike(node) || ts.isTemplateLiteralToken(node) || ts.isJsxText(node))
      found.push({ kind: "text", text: node.text, at });
    if (node.kind >= ts.SyntaxKind.FirstJSDocNode && node.kind <= ts.SyntaxKind.LastJSDocNode) return;
    for (const child of node.getChildren(file)) visit(child);
  };
  visit(file);
  // Code spans name values and fields of formats.
  const blank = (code: string): string => " ".repeat(code.length);
  for (const [at, text] of comments)
    found.push({ kind: "comment", text: text.replace(/`[^`\n]*`/g, blank), at });
  return found;
}

const wordsOfName = (name: string): string[] =>
  name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .split(/[^A-Za-z]+/)
    .map((word) => word.toLowerCase());

/** Fields of JSON, parameters and columns of data sets. */
const isField = (name: string): boolean => /[a-z0-9]_[a-z0-9]/.test(name);

/** Words of a source that the vocabulary replaces: in comments, texts and names. */
export function replacedWordsOfSource(source: string, path: string): Finding[] {
  const lineOf = (at: number): number => source.slice(0, at).split("\n").length;
  return parts(source, path).flatMap(({ kind, text, at }): Finding[] => {
    if (kind === "name") {
      const word = isField(text) ? undefined : wordsOfName(text).find((each) => replacedInNames.has(each));
      return word === undefined ? [] : [{ line: lineOf(at), problem: `the name ${text}`, whole: text }];
    }
    return wordsOfSources.flatMap(([pattern, say]) =>
      [...text.matchAll(new RegExp(pattern, "gi"))].map(({ 0: word, index }) => {
        const around = text.slice(Math.max(0, index - 40), index + 50).replace(/\s+/g, " ");
        const line = lineOf(at + index);
        const whole = /\s/.test(text) ? word : text;
        return { line, problem: `"${word}" (say ${say}): …${around}…`, whole };
      }),
    );
  });
}

/** Lines of comments with more than 120 characters, indentation included; counted from 1. */
export function longCommentLines(source: string): number[] {
  let within = false;
  return source.split("\n").flatMap((line, i) => {
    const starts = /^\s*\/\*\*?/.test(line);
    const comment = within || starts || /^\s*\/\//.test(line);
    within = (within || starts) && !line.includes("*/");
    return comment && line.length > 120 ? [i + 1] : [];
  });
}
