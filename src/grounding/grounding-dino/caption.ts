/** Phrases that are read together, and where each one's tokens are. */
export interface Caption {
  readonly text: string;
  /** Index of each phrase in the list that was given. */
  readonly phrases: readonly number[];
}

/**
 * Phrases as Grounding DINO wants them: "red mug. blue box." Phrases that would make a caption longer than `maxTokens`
 * go into the next one.
 * @param lengthOf tokens of a text, special ones included
 */
export function captionsOf(
  phrases: readonly string[],
  maxTokens: number,
  lengthOf: (text: string) => number,
): readonly Caption[] {
  const captions: { text: string; phrases: number[] }[] = [];
  phrases.forEach((phrase, i) => {
    // A full stop inside of a phrase would split it.
    const text = `${phrase.replace(/[.?]+/g, " ").replace(/\s+/g, " ").trim()}.`;
    const last = captions.at(-1);
    const joined = last === undefined ? text : `${last.text} ${text}`;
    if (last !== undefined && lengthOf(joined) <= maxTokens) {
      last.text = joined;
      last.phrases.push(i);
    } else captions.push({ text, phrases: [i] });
  });
  return captions;
}

/**
 * Token positions of each phrase of a caption: those between separators. A phrase that was cut off with the end of the
 * caption has what is left of it.
 * @param separators ids that stand between phrases: [CLS], [SEP], full stop, question mark
 */
export function phraseTokens(
  ids: readonly number[],
  separators: ReadonlySet<number>,
): readonly (readonly number[])[] {
  const spans: number[][] = [];
  let open: number[] = [];
  ids.forEach((id, i) => {
    if (!separators.has(id)) open.push(i);
    else if (open.length > 0) {
      spans.push(open);
      open = [];
    }
  });
  return open.length > 0 ? [...spans, open] : spans;
}
