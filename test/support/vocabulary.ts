import ts from "typescript";

/** Words of comments and texts that have a plain field term, each with the term to use. */
export const replacedWords: readonly (readonly [RegExp, string])[] = [
  [/\bpictures?\b/i, "image"],
  [/\bsentences?\b/i, "query"],
  [/\bthings?\b/i, "object"],
  [/\bpostures?\b/i, "joint configuration"],
  [/\bways?\b/i, "path, trajectory, method"],
  [/\bkept\b/i, "stored, retained, or the name of the result"],
  [/\bbeside\b/i, "next to, in addition to"],
  [/\blook(s|ed|ing)? again\b/i, "detect again"],
  [/\baskers?\b/i, "client, operator"],
  [/\bmend(s|ed|ing)?\b/i, "fix"],
  [/\bpromis(e of|ed|ing)\b/i, "score, guarantee"],
  [/\bcompany\b/i, "neighbours"],
  [/\bgiv(e|es|en|ing) up\b/i, "cancel, release control"],
  [/\bgave up\b/i, "cancelled"],
  [/\bleft out\b/i, "skipped, dropped"],
  [/\bgo(es)? back\b/i, "return home"],
  [/\bpeers?\b/i, "reference implementation"],
  [/\bof use\b/i, "useful"],
  [/\bpatience\b/i, "the quantity that is bounded"],
  [/\blatched\b/i, "transient local"],
];

/** Words of identifiers, in lower case, that the vocabulary replaces. */
const replacedInNames = new Set([
  ...["picture", "pictures", "sentence", "sentences", "thing", "things", "posture", "postures"],
  ...["way", "ways", "kept", "beside", "asker", "mend", "company", "peer", "peers", "patience", "outbox"],
]);

/** A word in a source file that has a plain field term. */
export interface Finding {
  readonly line: number;
  readonly text: string;
}

type Kind = "comment" | "text" | "name";

/** Comments, texts and names of a TypeScript source, each with its offset. */
function* parts(source: string, path: string): Generator<{ kind: Kind; text: string; at: number }> {
  const jsx = path.endsWith("x") ? ts.LanguageVariant.JSX : ts.LanguageVariant.Standard;
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true, jsx ? ts.ScriptKind.TSX : undefined);
  const comments = new Map<number, string>();
  const visit = function* (node: ts.Node): Generator<{ kind: Kind; text: string; at: number }> {
    for (const range of [
      ...(ts.getLeadingCommentRanges(source, node.getFullStart()) ?? []),
      ...(ts.getTrailingCommentRanges(source, node.getEnd()) ?? []),
    ])
      comments.set(range.pos, source.slice(range.pos, range.end));
    if (ts.isIdentifier(node) || ts.isPrivateIdentifier(node))
      yield { kind: "name", text: node.text, at: node.getStart() };
    else if (ts.isStringLiteralLike(node) || ts.isTemplateLiteralToken(node) || ts.isJsxText(node))
      yield { kind: "text", text: node.text, at: node.getStart() };
    for (const child of node.getChildren(file)) yield* visit(child);
  };
  yield* visit(file);
  for (const [at, text] of comments) yield { kind: "comment", text, at };
}

const wordsOfName = (name: string): string[] =>
  name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .split(/[^A-Za-z]+/)
    .map((word) => word.toLowerCase());

/** Words of a source that the vocabulary replaces: in comments, texts and names. */
export function replacedWordsOfSource(source: string, path: string): Finding[] {
  const findings: Finding[] = [];
  const add = (at: number, text: string) => {
    findings.push({ line: source.slice(0, at).split("\n").length, text });
  };
  for (const { kind, text, at } of parts(source, path)) {
    if (kind === "name") {
      const word = wordsOfName(text).find((each) => replacedInNames.has(each));
      if (word !== undefined) add(at, `${text} (name)`);
      continue;
    }
    for (const [pattern, say] of replacedWords)
      for (const found of text.matchAll(new RegExp(pattern, "gi"))) {
        const around = text.slice(Math.max(0, found.index - 40), found.index + 50).replace(/\s+/g, " ");
        add(at + found.index, `"${found[0]}" (say ${say}): …${around}…`);
      }
  }
  return findings;
}
