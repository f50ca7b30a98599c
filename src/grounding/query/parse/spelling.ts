import { distance } from "fastest-levenshtein";
import { grammarWords, verbs } from "./lexicon.js";
import type { Token } from "./tokens.js";

const dictionary: readonly string[] = [...new Set([...grammarWords, ...Object.keys(verbs)])];
const plurals: readonly string[] = dictionary.filter((word) => !word.endsWith("s")).map((word) => `${word}s`);

/**
 * The word that a slip of the keyboard stands for: the only known name or word of the grammar that is one edit away
 * (two in words of eight letters or more; two letters swapped count as one edit). Undefined where none or several
 * are.
 */
export function correct(word: string): string | undefined {
  if (word.length < 3 || word.length > 24 || !/^[a-z]+$/.test(word)) return undefined;
  return closest(word, dictionary) ?? (word.endsWith("s") ? closest(word, plurals) : undefined);
}

function closest(word: string, among: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = word.length >= 8 ? 2 : word.length >= 4 ? 1 : 0.9;
  let ties = 0;
  for (const candidate of among) {
    if (Math.abs(candidate.length - word.length) > 2) continue;
    const edits = editsBetween(word, candidate);
    if (edits > least) continue;
    ties = edits === least && best !== undefined ? ties + 1 : 0;
    least = edits;
    best = candidate;
  }
  return ties === 0 ? best : undefined;
}

/**
 * Levenshtein's distance, where two neighbours that are swapped count as less than one edit: it is the likeliest
 * slip.
 */
function editsBetween(a: string, b: string): number {
  return isSwapped(a, b) ? 0.9 : distance(a, b);
}

function isSwapped(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let i = 0;
  while (i < a.length && a[i] === b[i]) i++;
  return i + 1 < a.length && a[i] === b[i + 1] && a[i + 1] === b[i] && a.slice(i + 2) === b.slice(i + 2);
}

const isKnownPlural = (word: string): boolean =>
  /s$/.test(word) && (grammarWords.has(word.slice(0, -1)) || grammarWords.has(word.replace(/es$/, "")));

/** Words with their spelling corrected where the dictionary does not know them; names in capitals stay as they are. */
export function correctSpelling(tokens: readonly Token[]): readonly string[] | undefined {
  let changed = false;
  const texts = tokens.map(({ text, low, known }, i) => {
    if (known || isKnownPlural(low) || grammarWords.has(low) || (i > 0 && text !== low)) return text;
    const better = correct(low);
    if (better === undefined || better === low) return text;
    changed = true;
    return better;
  });
  return changed ? texts : undefined;
}
