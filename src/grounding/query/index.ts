/** What a query means: the command parser, its language, what "it" refers to, and the answers put together. */
export { cleanQuery, maxQueryLength } from "./clean.js";
export { describeCommand, languageName } from "./describe.js";
export { askPolicies, CommandGrounder, type CommandGrounderOptions, type Translate } from "./grounder.js";
export { identifyLanguage, type LanguageGuess } from "./language.js";
export { parseCommand } from "./parse/parse.js";
export { isStopOrder } from "./parse/stop.js";
export { isPlainQuery } from "./plan.js";
export { readReply } from "./reply.js";
