import MarkdownIt from "markdown-it";

/** A place in a page that breaks the rules of its English. */
export interface Finding {
  readonly line: number;
  readonly problem: string;
}

/** Words of prose that have a plain field term, each with the term to use. Code spans and quotations may hold them. */
export const replacedWords: readonly (readonly [RegExp, string])[] = [
  [/\bpictures?\b/i, "image"],
  [/\bsentences?\b/i, "query"],
  [/\bthings?\b/i, "object"],
  [/\bpostures?\b/i, "joint configuration"],
  [/\bways?\b/i, "path, trajectory, method"],
  [/\bbridges?\b/i, "GraspPipeline"],
  [/\bkept\b/i, "stored, retained, or the name of the result"],
  [/\bbeside\b/i, "next to, in addition to"],
  [/\blook(s|ed|ing)? again\b/i, "detect again"],
  [/\baskers?\b/i, "client, operator"],
  [/\bmend(s|ed|ing)?\b/i, "fix"],
  [/\bpromis(e|es|ed|ing)\b/i, "score, guarantee"],
  [/\bcompany\b/i, "neighbours"],
  [/\bgiv(e|es|en|ing) up\b/i, "cancel, release control"],
  [/\bgave up\b/i, "cancelled"],
  [/\bleft out\b/i, "skipped, dropped"],
  [/\bto the screen\b/i, "end-to-end latency"],
  [/\bgo(es)? back\b/i, "return home"],
  [/\bpeers?\b/i, "reference implementation"],
  [/\b(patience|glance|hearing|breathe)\b/i, "the quantity that is bounded"],
];

/** Names that the code no longer has; a code span may not hold them either. */
export const replacedNames =
  /\b(LatestQueue|Asker|lookAgain|WayPlanner|MoveItWays|ReadyArm|ArmReadiness|JobDone|GiveUp|BackendNews|Outbox|KeptFeatures|WorkerLink|PictureThreads|JointFeed|WorkClock|BridgeResult|BridgeOptions|openBridge|src\/bridge|src\/proposals|src\/learned-grasps|Tensor\.kept)\b/;

/** Longest sentence in words. */
export const maxSentenceWords = 30;

const markdown = new MarkdownIt({ html: true });
const quotation = /["\u201c][^"\u201d]*["\u201d]/g;
const endOfSentence = /(?<=[.!?][)"\u201d*]*)\s+(?=[("\u201c*]*(?:[A-Z0-9\u00a7]|\u0000))/;
/** Stands for a code span: one word of a sentence, and no word of the vocabulary. */
const code = "\u0000";

interface Prose {
  readonly line: number;
  readonly text: string;
  readonly codes: readonly string[];
  readonly kind: "paragraph" | "heading" | "cell";
}

/** The running text of a page: paragraphs, items, headings and cells; code blocks and comments are not prose. */
function prose(page: string): Prose[] {
  const tokens = markdown.parse(page, {});
  let line = 0;
  return tokens.flatMap((token, i) => {
    line = token.map?.[0] ?? line;
    if (token.type !== "inline") return [];
    const before = tokens[i - 1]?.type;
    const children = token.children ?? [];
    const text = children
      .map(({ type, content }) => {
        if (type === "code_inline") return code;
        if (type === "softbreak" || type === "hardbreak") return " ";
        return type === "text" || type === "image" ? content : "";
      })
      .join("");
    const codes = children.filter(({ type }) => type === "code_inline").map(({ content }) => content);
    const kind =
      before === "heading_open"
        ? "heading"
        : before === "td_open" || before === "th_open"
          ? "cell"
          : "paragraph";
    return [{ line: line + 1, text, codes, kind } as const];
  });
}

/** Words of a sentence: a code span is one, a dash or an operator none. */
export const countWords = (sentence: string): number =>
  sentence.split(/\s+/).filter((word) => /[\p{L}\p{N}\u0000]/u.test(word)).length;

/** Sentences of running text; a list item and a paragraph each begin a new one. */
export const sentences = (text: string): string[] =>
  text.split(endOfSentence).filter((each) => each.trim() !== "");

/** Sentences outside tables and headings with more than `maxSentenceWords` words. */
export function longSentences(page: string): Finding[] {
  return prose(page)
    .filter(({ kind }) => kind === "paragraph")
    .flatMap(({ line, text }) =>
      sentences(text)
        .filter((each) => countWords(each) > maxSentenceWords)
        .map((each) => ({ line, problem: `${countWords(each)} words: ${shown(each)}` })),
    );
}

/** Sentences whose subject is a clause that begins with "what" or "who". */
export function clauseSubjects(page: string): Finding[] {
  return prose(page)
    .filter(({ kind }) => kind !== "heading")
    .flatMap(({ line, text, kind }) =>
      sentences(text)
        .filter(
          (each) => /^(What(ever)?|Who(ever)?|That which)\b/.test(each) && !/\?["\u201d]?$/.test(each.trim()),
        )
        .filter((each) => kind === "paragraph" || countWords(each) > 6)
        .map((each) => ({ line, problem: `a clause is the subject: ${shown(each)}` })),
    );
}

/** Words that the vocabulary replaces, in paragraphs, headings, cells and alternative texts; quotations aside. */
export function replacedWordsOf(
  page: string,
  options: { readonly paragraphsOnly?: boolean } = {},
): Finding[] {
  return prose(page).flatMap(({ line, text, kind }) => {
    if (kind !== "paragraph" && options.paragraphsOnly) return [];
    const plain = text.replace(quotation, "");
    return replacedWords.flatMap(([pattern, say]) => {
      const found = pattern.exec(plain);
      if (found === null) return [];
      const around = plain.slice(Math.max(0, found.index - 40), found.index + 40);
      return [{ line, problem: `"${found[0]}" (say ${say}): …${shown(around)}…` }];
    });
  });
}

/** Names that the code no longer has, in running text and code spans. */
export function replacedNamesOf(page: string): Finding[] {
  return prose(page).flatMap(({ line, text, codes }) =>
    [text, ...codes].flatMap((each) => {
      const found = replacedNames.exec(each);
      return found === null ? [] : [{ line, problem: `${found[0]} has another name` }];
    }),
  );
}

const shown = (text: string): string => text.replaceAll(code, "`…`").replace(/\s+/g, " ").trim();
