import type { Act } from "../types.js";
import { trainedNames } from "./names.js";

const list = (text: string): readonly string[] => text.split(/[\s,]+/).filter((word) => word !== "");

/** Colours, as the bundled model was trained with and as people say them. */
export const colours: ReadonlySet<string> = new Set(
  list(`black white gray grey silver gold golden red orange yellow green turquoise teal cyan blue purple violet pink
    magenta brown beige tan cream maroon navy olive`),
);

const adjectives =
  list(`big bigger biggest large larger largest small smaller smallest little tiny tall taller tallest short
  shorter shortest long longer longest wide widest narrow narrowest thick thickest thin thinnest heavy light dark bright round
  square flat empty full open closed clean dirty old new left right upper lower middle top bottom front back leftmost rightmost
  nearest closest farthest furthest first second third fourth fifth last next same other wooden metal plastic ceramic`);

/** Words that describe; the tagger takes some of them for nouns or verbs. */
export const describing: ReadonlySet<string> = new Set([...colours, ...adjectives]);

/** Names of several words that end in a given word. */
export const trained: ReadonlySet<string> = new Set(trainedNames);
/** Every word that a trained name ends with. */
export const trainedHeads: ReadonlySet<string> = new Set(trainedNames.map((name) => name.split(" ").at(-1)!));

/** Nouns that have a plural form and mean one object. */
export const pluralOnly: ReadonlySet<string> = new Set(
  list(
    "scissors shears pliers tongs tweezers glasses goggles sunglasses headphones keys pants trousers jeans shorts binoculars",
  ),
);

/** Nouns that have a singular form and mean several objects. */
export const setWords: ReadonlySet<string> = new Set(
  list("cutlery silverware tableware crockery stationery dishes"),
);

/**
 * Nouns of a place or of the viewer: "the mug on the table" says where in the image, and is no relation to an object.
 */
export const sceneWords: ReadonlySet<string> = new Set(
  list(`table tables desk counter worktop workbench bench shelf floor ground picture image photo scene room view camera robot
    gripper arm me you us edge corner middle center centre left right back front top bottom side background foreground here there
    end row part area half section`),
);

/** Sides of the image: no object, whatever the relation. */
export const sideWords: ReadonlySet<string> = new Set(
  list("left right top bottom front back side middle center centre end"),
);

/** Numbers in words. */
export const numbers: Readonly<Record<string, number>> = {
  two: 2,
  three: 3,
  four: 4,
  five: 5,
  six: 6,
  seven: 7,
  eight: 8,
  nine: 9,
  ten: 10,
  eleven: 11,
  twelve: 12,
};
export const numberPattern = `${Object.keys(numbers).join("|")}|[2-9]|[1-9]\\d`;

export interface Verb {
  readonly act: Extract<Act, "find" | "pick" | "place">;
  /** Read as a verb only before a determiner, a pronoun or a number: "place the mug", and "place mat" is an object. */
  readonly alsoNoun?: boolean;
  /** Means something only with a destination. */
  readonly needsDestination?: boolean;
}

/** Verbs by their base form. */
export const verbs: Readonly<Record<string, Verb>> = Object.fromEntries<Verb>([
  ...list("find locate see detect identify recognise recognize").map(
    (word) => [word, { act: "find" }] as const,
  ),
  ...list("show spot highlight count mark").map((word) => [word, { act: "find", alsoNoun: true }] as const),
  ...list(`pick grab grasp take lift give bring fetch get retrieve collect snatch choose select want need remove catch seize
    gather carry extract acquire`).map((word) => [word, { act: "pick" }] as const),
  ...list("hand pass hold pull reach").map((word) => [word, { act: "pick", alsoNoun: true }] as const),
  ...list("put lay insert transfer throw move deposit leave").map(
    (word) => [word, { act: "place", needsDestination: true }] as const,
  ),
  ...list("place set toss slide store stack stick push shift hang position dump rest tuck nudge").map(
    (word) => [word, { act: "place", needsDestination: true, alsoNoun: true }] as const,
  ),
  ...list("drop release return").map((word) => [word, { act: "place", alsoNoun: true }] as const),
]);
/** Verbs of picking that take a destination, too: "bring the glass to the sink". */
export const carryingVerbs: ReadonlySet<string> = new Set(list("bring take carry get give remove"));

/** What a verb that is also a noun must be followed by. */
export const determiner =
  "the|a|an|this|that|these|those|my|your|his|her|our|their|its|some|any|all|every|each|both|another|one|everything|anything|something|it|them|me|us|no|" +
  numberPattern;

/** Words of the grammar, to which a slip of the keyboard is corrected. */
export const grammarWords: ReadonlySet<string> = new Set([
  ...list(`the and not with from into onto next left right between behind front under above inside please pick grab take give
    bring hand pass put place move everything anything something except without closest nearest other leftmost rightmost middle
    where find show drop stop undo`),
  ...colours,
  ...trainedNames.flatMap((name) => name.split(" ")).filter((word) => word.length > 2),
]);
