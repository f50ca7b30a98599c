import { createRequire } from "node:module";
import type { ItemToken, ItsFunction, WinkMethods } from "wink-nlp";

/** One word of a query, with its part of speech. */
export interface Token {
  /** As it was said, or as its spelling was corrected. */
  readonly text: string;
  readonly low: string;
  /** Universal part of speech: NOUN, VERB, ADJ, … */
  readonly pos: string;
  /** Base form: singular, infinitive. */
  readonly lemma: string;
  /** Whether it is an English word. */
  readonly known: boolean;
}

const contractions: Readonly<Record<string, string>> = {
  dont: "do not",
  doesnt: "does not",
  isnt: "is not",
  arent: "are not",
  "can't": "can not",
  cannot: "can not",
  "won't": "will not",
  "i'd": "i would",
  "i'm": "i am",
  "i've": "i have",
  "i'll": "i will",
  "let's": "let us",
  whats: "what is",
  wheres: "where is",
};
const isContracted = /^(where|what|that|it|which|who|there|here)'s$/;

/** Words and commas of a text; contractions are taken apart, other punctuation is dropped. */
export function splitWords(text: string): string[] {
  const found = text.replace(/[’‘`]/g, "'").match(/[\p{L}\p{N}]+(?:[-'.][\p{L}\p{N}]+)*|[,;&]/gu) ?? [];
  return found.flatMap((word) => {
    const low = word.toLowerCase();
    const known = Object.hasOwn(contractions, low) ? contractions[low] : undefined;
    if (known !== undefined) return known.split(" ");
    if (isContracted.test(low)) return [word.slice(0, -2), "is"];
    if (low.endsWith("n't")) return [word.slice(0, -3), "not"];
    if (word === ";") return [","];
    return word === "&" ? ["and"] : [word];
  });
}

/** Words outside its dictionary are remembered by the tagger for ever: it is made anew when there are too many. */
const maxUnknownWords = 20_000;

interface Tagger {
  readonly nlp: WinkMethods;
  /** Identifiers from here on belong to words outside the dictionary. */
  readonly firstUnknown: number;
}

let tagger: Tagger | undefined;
let unknownWords = 0;

function openTagger(): Tagger {
  if (tagger !== undefined && unknownWords <= maxUnknownWords) return tagger;
  // Both are CommonJS; the model is loaded when the first query comes, not when the program starts.
  const load = createRequire(import.meta.url);
  const winkNlp = load("wink-nlp") as typeof import("wink-nlp").default;
  const nlp = winkNlp(load("wink-eng-lite-web-model"), ["sbd", "pos"]);
  unknownWords = 0;
  const opened = {
    nlp,
    firstUnknown: feature<number>(nlp.readDoc("zxqvj").tokens().itemAt(0), nlp.its.uniqueId),
  };
  tagger = opened;
  return opened;
}

/** Features of a token; the package's types give some of them another shape than they have. */
const feature = <T extends string | number>(token: ItemToken, of: unknown): T =>
  token.out(of as ItsFunction<T>) as T;

/** Tags words by wink-nlp and its English model. */
export function tag(words: readonly string[]): Token[] {
  const { nlp, firstUnknown } = openTagger();
  const { its } = nlp;
  const pieces: { length: number; pos: string; lemma: string; known: boolean }[] = [];
  nlp
    .readDoc(words.join(" ").toLowerCase())
    .tokens()
    .each((piece: ItemToken) => {
      const known = feature<number>(piece, its.uniqueId) < firstUnknown;
      if (!known) unknownWords++;
      pieces.push({
        length: piece.out().length,
        pos: feature(piece, its.pos),
        lemma: feature(piece, its.lemma),
        known,
      });
    });
  let next = 0;
  return words.map((text) => {
    // The tagger may part a word ("right-hand") that is one here: its last part says what it is.
    let covered = 0;
    let last = pieces[next];
    let known = true;
    while (covered < text.length && next < pieces.length) {
      last = pieces[next++]!;
      covered += last.length;
      known &&= last.known;
    }
    const low = text.toLowerCase();
    return { text, low, pos: last?.pos ?? "X", lemma: (last?.lemma ?? low).toLowerCase(), known };
  });
}

/** A run of tokens, matched by patterns of whole words. */
export class Words {
  readonly tokens: readonly Token[];
  /** Lower case, one space between two words. */
  readonly low: string;

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens;
    this.low = tokens.map(({ low }) => low).join(" ");
  }

  get length(): number {
    return this.tokens.length;
  }

  /** As it was said. */
  get text(): string {
    return this.tokens
      .map(({ text }) => text)
      .join(" ")
      .replaceAll(" ,", ",");
  }

  slice(from: number, to?: number): Words {
    return new Words(this.tokens.slice(from, to));
  }

  without(from: number, to: number): Words {
    return new Words([...this.tokens.slice(0, from), ...this.tokens.slice(to)]);
  }

  /** How many words a pattern of {@link atStart} takes; 0 when it does not match. */
  lead(pattern: RegExp): number {
    return countWords(pattern.exec(this.low)?.[0] ?? "");
  }

  /** How many words a pattern of {@link atEnd} takes; 0 when it does not match. */
  tail(pattern: RegExp): number {
    return countWords(pattern.exec(this.low)?.[0] ?? "");
  }

  /** Where a pattern of {@link anywhere} matches first at or after a word. */
  find(pattern: RegExp, from = 0): { readonly start: number; readonly end: number } | undefined {
    const base = from === 0 ? this : this.slice(from);
    const match = pattern.exec(base.low);
    if (match === null) return undefined;
    const start = from + countWords(base.low.slice(0, match.index));
    return { start, end: start + countWords(match[0]) };
  }
}

const countWords = (text: string): number => (text.trim() === "" ? 0 : text.trim().split(" ").length);

/** A pattern of whole words at the start. */
export const atStart = (source: string): RegExp => new RegExp(`^(?:${source})(?= |$)`);
/** A pattern of whole words at the end. */
export const atEnd = (source: string): RegExp => new RegExp(`(?:^| )(?:${source})$`);
/** A pattern that takes the whole. */
export const whole = (source: string): RegExp => new RegExp(`^(?:${source})$`);
/** A pattern of whole words anywhere. */
export const anywhere = (source: string): RegExp => new RegExp(`(?:^| )(?:${source})(?= |$)`);
