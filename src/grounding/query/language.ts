import { colours, describing, trainedHeads, verbs } from "./parse/lexicon.js";
import { splitWords } from "./parse/tokens.js";

/** Words that are English and hardly any other language's. */
const english: ReadonlySet<string> = new Set(
  (
    "the of and my with that this those these it its from next put give hand pick take grab find where not red blue green yellow " +
    "black white brown left right behind between front under please show bring get every everything anything something which is are " +
    "one two three both another other want need dozen couple few several some"
  ).split(" "),
);

/** Share of letters outside the Latin script from which a text is not English. */
const maxOtherScript = 0.3;
/** Score of English (eld, 0 to 1) below which a text without such a word is not English. */
const minEnglishScore = 0.6;

export interface LanguageGuess {
  /** ISO 639-1, "" where it cannot be said. */
  readonly language: string;
  readonly isEnglish: boolean;
}

/**
 * The language of a query. A query is English unless much speaks against it: a wrong "no" would refuse a good query, a
 * wrong "yes" gives today's answer. One word alone is English when it is written in Latin letters.
 */
export async function identifyLanguage(text: string): Promise<LanguageGuess> {
  const letters = text.match(/\p{L}/gu)?.length ?? 0;
  if (letters === 0) return { language: "", isEnglish: true };
  const latin = text.match(/\p{Script=Latin}/gu)?.length ?? 0;
  if (1 - latin / letters > maxOtherScript)
    return { language: (await detector()).detect(text).language, isEnglish: false };
  const words = splitWords(text.toLowerCase()).filter((word) => /\p{L}/u.test(word));
  if (words.length < 2 || words.some((word) => english.has(word)) || words.every(isNamed))
    return { language: "en", isEnglish: true };
  const found = (await detector()).detect(text);
  const score = found.getScores().en ?? 0;
  if (found.language === "en" || found.language === "" || score >= minEnglishScore)
    return { language: "en", isEnglish: true };
  return { language: found.language, isEnglish: false };
}

/** Loaded when the first text comes that is not plainly English: its tables take 90 MB, the larger ones 150 MB. */
const detector = async () => (await import("eld/extrasmall")).default;

const isNamed = (word: string): boolean =>
  trainedHeads.has(word) || colours.has(word) || describing.has(word) || Object.hasOwn(verbs, word);
