import type { ColourImage, RgbdFrame } from "../../geometry/index.js";
import type { BackendReport } from "../../inference/index.js";
import type {
  AskPolicy,
  Detection,
  FoundDestination,
  Grounder,
  Grounding,
  GroundOptions,
  Heatmap,
} from "../types.js";
import { isOpen, rivals } from "./ambiguity.js";
import { heatOn, isSame } from "./candidates.js";
import { type Answers, type CombineOptions, combineTarget, isAmongOthers } from "./combine.js";
import { Dialogues, type Narrowing, narrow } from "./dialogue.js";
import { nounParts } from "./parse/noun-phrase.js";
import { readWords } from "./parse/parse.js";
import { planTarget, type TargetPlan } from "./plan.js";
import { askWhich, resolveReply } from "./question.js";
import { equalRivals } from "./rivals.js";
import type { Command, Offer, Question } from "./types.js";
import { isUnnarrowed, toAsk, type Understood, understand } from "./understand.js";

export const askPolicies = ["never", "when_unsure", "always"] as const satisfies readonly AskPolicy[];

/** Translates a query to English; `from` is its language (ISO 639-1), "" where it is not known. */
export type Translate = (text: string, from: string, signal?: AbortSignal) => Promise<string>;

export interface CommandGrounderOptions {
  /** When a question is asked back, where a call does not say. Default "never". */
  readonly ask?: AskPolicy;
  /** Two objects are equally good within this share of the better one's heat. Default 0.15. */
  readonly margin?: number;
  /** Translates queries that are not English; without it they are not understood. */
  readonly translate?: Translate;
}

/** Heat from which the model still sees an object where it was. */
const minCoveredHeat = 0.4;
/** Least heat of an object that makes a query ambiguous. */
const minRivalHeat = 0.8;

/**
 * Understands commands in front of a grounder: takes a query apart, asks the grounder about each of its phrases on one
 * encoded frame, and puts the answers together. A query that cannot be taken apart, and one that is a plain referring
 * expression, is asked as it is.
 */
export class CommandGrounder implements Grounder {
  readonly #grounder: Grounder;
  readonly #options: CommandGrounderOptions;
  readonly #dialogues = new Dialogues();

  constructor(grounder: Grounder, options: CommandGrounderOptions = {}) {
    this.#grounder = grounder;
    this.#options = options;
  }

  get model(): string {
    return this.#grounder.model;
  }

  get runsOn(): string {
    return this.#grounder.runsOn ?? "";
  }

  get backendReport(): BackendReport {
    return this.#grounder.backendReport ?? {};
  }

  async ground(
    frame: Pick<RgbdFrame, "colour" | "depth">,
    queries: readonly string[],
    options: GroundOptions = {},
  ): Promise<readonly Grounding[]> {
    const start = performance.now();
    const ask = options.ask ?? this.#options.ask ?? "never";
    const clients = queries.map((_, i) => options.clients?.[i] ?? options.client);
    const { translate } = this.#options;
    const understood = await Promise.all(
      queries.map((query, i) => {
        const client = clients[i];
        const last = client === undefined ? undefined : this.#dialogues.last(client);
        return understand(query, { ask, last, translate, signal: options.signal });
      }),
    );
    const phrases = [...new Set(understood.flatMap(toAsk))];
    const language = performance.now() - start;
    // They take time to draw, and a plain query that nobody is asked about does without.
    const alternativesOf = new Set(understood.flatMap((one) => one.plans.flatMap(readAlternatives(ask))));
    const groundings = await this.#grounder.ground(frame, phrases, {
      ...options,
      ...(alternativesOf.size > 0 && { alternatives: true, alternativesOf }),
    });
    const answers: Answers = new Map(groundings.map((grounding, i) => [phrases[i]!, grounding]));
    const given: Grounding[] = [];
    for (const [i, one] of understood.entries()) {
      const answer = await this.#answer(one, answers, frame, options);
      const client = clients[i];
      if (client !== undefined) this.#remember(client, one, answer);
      given.push({ ...answer, query: one.query, timings: { ...answer.timings, language } });
    }
    return given;
  }

  offer(
    offer: Offer,
    { ask = this.#options.ask ?? "never", client }: Pick<GroundOptions, "ask" | "client">,
  ): Question | undefined {
    const last = client === undefined ? undefined : this.#dialogues.last(client);
    if (ask === "never" || client === undefined || last === undefined || last.declined) return undefined;
    const { phrase, box } = last;
    this.#dialogues.remember(client, { ...last, offer: { ...offer, insteadOf: { phrase, box } } });
    return { text: offer.question, labels: [] };
  }

  close(): Promise<void> {
    return this.#grounder.close();
  }

  async #answer(
    understood: Understood,
    answers: Answers,
    frame: Pick<RgbdFrame, "colour" | "depth">,
    { signal }: GroundOptions,
  ): Promise<Grounding> {
    const { text, language, command, plans } = understood;
    const own = answers.get(plans[0]?.whole ?? text)!;
    const said = {
      ...(command !== undefined && { command }),
      ...(language !== undefined && { language }),
    };
    if (language !== undefined && language.translated === undefined) return { ...silent(own), ...said };
    const options: CombineOptions = {
      width: frame.colour.width,
      ...(frame.depth !== undefined && { depth: frame.depth }),
    };
    const replied = this.#reply(understood, answers, frame, options);
    if (replied !== undefined) return { ...replied, ...(language !== undefined && { language }) };
    if (command === undefined) return { ...own, ...said };
    if (plans.length === 0) {
      const destination = findDestination(command, answers);
      return { ...silent(own), ...said, ...(destination !== undefined && { destination }) };
    }
    const narrowed = plans.map((plan, i) =>
      this.#target(plan, understood.narrowing[i] ?? {}, answers, options),
    );
    // What a reply chose may be gone: then the query is as open as it was.
    const settled = understood.settled && narrowed[0]!.length > 0;
    const found =
      understood.settled && !settled
        ? plans.map((plan) => this.#target(plan, {}, answers, options))
        : narrowed;
    const destination = findDestination(command, answers);
    const question = settled ? undefined : await this.#question(understood, answers, frame, options, signal);
    const detections = question?.detections ?? inOrder(found);
    return {
      ...own,
      ...said,
      found: detections.length > 0,
      detections,
      presence: Math.min(...plans.map(({ whole }) => answers.get(whole)?.presence ?? 0)),
      heatmap:
        plans.length === 1 ? own.heatmap : maxOf(plans.map(({ whole }) => answers.get(whole)!.heatmap)),
      phrases: plans.slice(0, 1).flatMap(({ whole, kinds, generic }) => [whole, ...(generic ? [] : kinds)]),
      ...(destination !== undefined && { destination }),
      ...(question !== undefined && { question: question.question }),
    };
  }

  #target(
    plan: TargetPlan,
    narrowing: Narrowing,
    answers: Answers,
    options: CombineOptions,
  ): readonly Detection[] {
    const combined = combineTarget(isUnnarrowed(narrowing) ? plan : everyOfKind(plan), answers, options);
    const left = isUnnarrowed(narrowing) ? combined : narrow(combined, narrowing, options.width, isSame);
    const { count } = plan.target;
    if (typeof count === "number" && count > 1) return left.slice(0, count);
    return left;
  }

  /** The answer to a question that was asked back; the question again where the reply means none of the objects. */
  #reply(
    { last, text, mayReply, command: said }: Understood,
    answers: Answers,
    frame: Pick<RgbdFrame, "colour">,
    options: CombineOptions,
  ): Grounding | undefined {
    const pending = last?.pending;
    if (pending === undefined || !mayReply) return undefined;
    const { command, candidates, question } = pending;
    const plan = planTarget({ phrase: last!.phrase, count: 1 });
    const own = answers.get(plan.whole);
    if (own === undefined) return undefined;
    const chosen = resolveReply(text, candidates, frame.colour);
    const destination = findDestination(command, answers);
    const meant = { ...own, command, ...(destination !== undefined && { destination }) };
    if (chosen !== undefined) {
      const candidate = candidates[chosen]!;
      const [seen] = this.#target(plan, { near: candidate.box }, answers, options);
      const matched =
        seen !== undefined && isSame(seen.box, candidate.box)
          ? seen
          : isCovered(candidate, plan, answers)
            ? candidate
            : undefined;
      const detection = matched ?? seen;
      return {
        ...meant,
        found: detection !== undefined,
        detections: detection === undefined ? [] : [detection],
      };
    }
    return said === undefined ? { ...meant, found: true, detections: candidates, question } : undefined;
  }

  async #question(
    { plans, ask, narrowing: [narrowing = {}] }: Understood,
    answers: Answers,
    frame: Pick<RgbdFrame, "colour">,
    options: CombineOptions,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly question: Question; readonly detections: readonly Detection[] } | undefined> {
    const [plan] = plans;
    if (ask === "never" || plan === undefined || plans.length !== 1 || !isOpen(plan)) return undefined;
    const own = answers.get(plan.whole)!;
    if (!own.found) return undefined;
    const kinds = plan.kinds.flatMap((phrase) => answers.get(phrase) ?? []);
    const { noun } = nounParts(readWords(plan.target.phrase));
    const look = async (colour: ColourImage) =>
      (await this.#grounder.ground({ colour }, [plan.whole], { signal, alternatives: true }))[0];
    const draws = kinds.some(({ alternatives = [] }) => alternatives.length > 0);
    const every = draws
      ? await equalRivals(frame.colour, own, kinds, options, look)
      : rivals(own, kinds, options, this.#options.margin ?? 0.15, minRivalHeat);
    // "The other one" is none of those that were shown.
    const left = (detections: readonly Detection[]) => narrow(detections, narrowing, options.width, isSame);
    const open = left(every.map(({ detection }) => detection));
    const choices = every.filter(({ detection }) => open.includes(detection));
    if (choices.length < (ask === "always" ? 1 : 2)) return undefined;
    const detections = choices.map(({ detection }) => detection);
    const others = left(own.detections).filter(
      ({ box }) => !detections.some((choice) => isSame(choice.box, box)),
    );
    return { question: askWhich(noun, choices, frame.colour), detections: [...detections, ...others] };
  }

  #remember(
    client: string,
    { query, plans, last, mayReply, settled, offer, declined }: Understood,
    answer: Grounding,
  ): void {
    const best = answer.detections[0];
    if (best === undefined) return;
    const isReply = mayReply && answer.command !== undefined && answer.command === last?.pending?.command;
    const phrase = isReply ? last?.phrase : (plans.at(-1)?.target.phrase ?? last?.phrase);
    if (phrase === undefined) return;
    const { singular } = nounParts(readWords(phrase));
    const sameKind = last !== undefined && last.noun === singular;
    this.#dialogues.remember(client, {
      phrase,
      noun: singular,
      query: isReply ? last!.query : query,
      settled: (isReply || settled) && answer.question === undefined,
      ...(offer !== undefined && { offer, declined: declined === true }),
      box: best.box,
      shown: [best.box, ...(sameKind ? last.shown : [])],
      ...(answer.question !== undefined && {
        pending: {
          command: answer.command!,
          question: answer.question,
          candidates: answer.detections.slice(0, answer.question.labels.length),
        },
      }),
    });
  }
}

/** Phrases of a target whose further objects are read: one among others is chosen, or a question may be asked. */
const readAlternatives =
  (ask: AskPolicy) =>
  (plan: TargetPlan): readonly string[] => {
    if (ask !== "never" && isOpen(plan)) return [plan.whole, ...plan.kinds];
    return isAmongOthers(plan) ? plan.kinds : [];
  };

/** Whether the model's answers on this image cover an object, though none of their objects is it. */
function isCovered(object: Detection, { whole, kinds }: TargetPlan, answers: Answers): boolean {
  return [whole, ...kinds].some((phrase) => {
    const answer = answers.get(phrase);
    return answer !== undefined && heatOn(answer, object) >= minCoveredHeat;
  });
}

/** A plan whose kinds are asked, so that every object of the kind is a candidate. */
const everyOfKind = (plan: TargetPlan): TargetPlan => ({ ...plan, target: { ...plan.target, count: "all" } });

/** An answer that names nothing: what was said is no query for an object, or was not understood. */
const silent = (grounding: Grounding): Grounding => ({
  ...grounding,
  found: false,
  detections: [],
  presence: 0,
});

/** The best of each target first, in the order in which they were named, then the rest. */
function inOrder(found: readonly (readonly Detection[])[]): readonly Detection[] {
  if (found.length === 1) return found[0]!;
  return found.flatMap((detections, target) =>
    detections.slice(0, 1).map((detection) => ({ ...detection, target })),
  );
}

function findDestination({ destination }: Command, answers: Answers): FoundDestination | undefined {
  if (destination === undefined) return undefined;
  const found = (destination.landmarks ?? []).map((phrase) => {
    const answer = answers.get(phrase);
    const detection = answer?.found === true ? answer.detections[0] : undefined;
    return { phrase, ...(detection !== undefined && { detection }) };
  });
  return { ...destination, found };
}

function maxOf(maps: readonly Heatmap[]): Heatmap {
  const [first, ...others] = maps as readonly [Heatmap, ...Heatmap[]];
  const data = first.data.slice();
  for (const { data: other } of others)
    for (let i = 0; i < data.length; i++) data[i] = Math.max(data[i]!, other[i]!);
  return { ...first, data };
}
