/** Nouns whose plural follows no rule. */
const irregular: Readonly<Record<string, string>> = {
  knife: "knives",
  shelf: "shelves",
  loaf: "loaves",
  leaf: "leaves",
  mouse: "mice",
  tomato: "tomatoes",
  potato: "potatoes",
  scissors: "scissors",
  shears: "shears",
  glasses: "glasses",
  headphones: "headphones",
  keys: "keys",
  dice: "dice",
  pliers: "pliers",
};

/** A noun's plural; of a noun of several words the last one is changed, or the one before "of". */
export function pluralOf(noun: string): string {
  const of = noun.indexOf(" of ");
  if (of > 0) return `${pluralOf(noun.slice(0, of))}${noun.slice(of)}`;
  const words = noun.split(" ");
  const last = words.pop() ?? "";
  const low = last.toLowerCase();
  return [...words, Object.hasOwn(irregular, low) ? irregular[low]! : regular(last)].join(" ");
}

function regular(noun: string): string {
  if (/(?:s|x|z|ch|sh)$/i.test(noun)) return `${noun}es`;
  return /[^aeiou]y$/i.test(noun) ? `${noun.slice(0, -1)}ies` : `${noun}s`;
}
