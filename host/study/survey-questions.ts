// The questions that listeners answer beside listening: their schema in the plan, the five that are asked where the
// plan names none, and what counts as an answer.

import Type from "typebox"

const strict = { additionalProperties: false }

export const SurveyQuestionSchema = Type.Object(
  {
    id: Type.String({
      pattern: "^[a-z][a-z0-9_-]{0,39}$",
      description: "Short name: the heading of its column in CSV files.",
    }),
    text: Type.String({ minLength: 1, maxLength: 500, description: "The question as it is asked." }),
    kind: Type.Union(
      [
        Type.Literal("likert"),
        Type.Literal("amount"),
        Type.Literal("number"),
        Type.Literal("choice"),
        Type.Literal("text"),
      ],
      {
        description:
          "likert: a whole number from 1 to `points`. amount: money in `currency`. number: any number. choice: one of `options`. text: free text.",
      },
    ),
    points: Type.Optional(
      Type.Integer({ minimum: 2, maximum: 11, description: "Steps of a likert scale; left out, 5." }),
    ),
    ends: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 100 }), {
        minItems: 2,
        maxItems: 2,
        description: "What the lowest and the highest step of a likert scale mean.",
      }),
    ),
    currency: Type.Optional(
      Type.String({
        pattern: "^[A-Z]{3}$",
        description: "Of an amount: an ISO 4217 code such as EUR; left out, USD.",
      }),
    ),
    minimum: Type.Optional(Type.Number({ description: "Least answer of a number." })),
    maximum: Type.Optional(Type.Number({ description: "Greatest answer of a number or an amount." })),
    options: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 100 }), {
        minItems: 2,
        maxItems: 50,
        uniqueItems: true,
        description: "What may be chosen; a choice needs them.",
      }),
    ),
  },
  strict,
)

export type SurveyQuestion = Type.Static<typeof SurveyQuestionSchema>

const AGREEMENT = ["not at all", "very much"]

/** What is asked after the study where the plan names no questions: five of the kind that the dissertation asks, in
 *  this project's own words. */
export const DEFAULT_QUESTIONS: readonly SurveyQuestion[] = [
  {
    id: "satisfaction",
    text: "How satisfied were you with the songs that your player played?",
    kind: "likert",
    points: 5,
    ends: AGREEMENT,
  },
  {
    id: "fit",
    text: "How well did the songs fit your own taste?",
    kind: "likert",
    points: 5,
    ends: AGREEMENT,
  },
  {
    id: "surprise",
    text: "How much did the player surprise you with songs that you liked and did not know?",
    kind: "likert",
    points: 5,
    ends: AGREEMENT,
  },
  {
    id: "continue",
    text: "How gladly would you go on using a player that chooses songs in this way?",
    kind: "likert",
    points: 5,
    ends: AGREEMENT,
  },
  {
    id: "pay",
    text: "How much would you pay per month, at most, for a player that chooses songs in this way?",
    kind: "amount",
    currency: "USD",
  },
]

const DEFAULT_POINTS = 5
const DEFAULT_CURRENCY = "USD"
/** Characters of a free text. */
const MAX_ANSWER_TEXT = 2000
/** Beyond it a number is a slip of the keyboard. */
const MAX_NUMBER = 1e12

/** The questions of the plan, or the five where it names none. */
export function questionsOf({ survey }: { survey?: readonly SurveyQuestion[] }): readonly SurveyQuestion[] {
  return survey ?? DEFAULT_QUESTIONS
}

/** Rules between the fields of questions, which a schema can't say. */
export function* brokenQuestions(questions: readonly SurveyQuestion[]): Generator<string> {
  for (const [i, { id, kind, options, points, ends, currency, minimum, maximum }] of questions.entries()) {
    const place = `survey.${i}`
    if (questions.findIndex((other) => other.id === id) !== i) {
      yield `survey: every question has its own id, found twice: ${JSON.stringify(id)}`
    }
    if (RESERVED_IDS.includes(id)) yield `${place}.id: ${id} is the name of a column of CSV files`
    if ((kind === "choice") !== (options !== undefined)) {
      yield `${place}.options: a choice has options and nothing else has, got ${kind}`
    }
    const only = (field: string, given: unknown, kinds: readonly string[]): string[] =>
      given === undefined || kinds.includes(kind)
        ? []
        : [`${place}.${field}: is for ${kinds.join(" and ")} only, got ${kind}`]
    yield* only("points", points, ["likert"])
    yield* only("ends", ends, ["likert"])
    yield* only("currency", currency, ["amount"])
    yield* only("minimum", minimum, ["number"])
    yield* only("maximum", maximum, ["number", "amount"])
    const least = minimum ?? (kind === "amount" ? 0 : -MAX_NUMBER)
    if (maximum !== undefined && maximum <= least) {
      yield `${place}.maximum: must be above ${least}, got ${maximum}`
    }
  }
}

/** Columns of CSV files that are no questions. */
export const RESERVED_IDS = ["subject", "question", "answer"]

/** Whether answers are numbers that can be correlated. */
export function isNumeric({ kind }: Pick<SurveyQuestion, "kind">): boolean {
  return kind === "likert" || kind === "amount" || kind === "number"
}

/** The same for questions whose answers can be compared as numbers. */
export function scaleOf(question: Pick<SurveyQuestion, "kind" | "points" | "currency">): string {
  const { kind, points = DEFAULT_POINTS, currency = DEFAULT_CURRENCY } = question
  return kind === "likert" ? `1 to ${points}` : kind === "amount" ? currency : kind
}

/** What may be answered, in words. */
export function answersAllowed(question: SurveyQuestion): string {
  const { kind, points = DEFAULT_POINTS, currency = DEFAULT_CURRENCY, minimum, maximum, options } = question
  switch (kind) {
    case "likert":
      return `a whole number from 1 to ${points}`
    case "amount":
      return `an amount in ${currency} from 0${maximum === undefined ? " on" : ` to ${maximum}`}, such as 4.50`
    case "number":
      if (minimum === undefined && maximum === undefined) return "a number"
      if (maximum === undefined) return `a number from ${minimum} on`
      return minimum === undefined ? `a number up to ${maximum}` : `a number from ${minimum} to ${maximum}`
    case "choice":
      return (options ?? []).map((option) => JSON.stringify(option)).join(" or ")
    case "text":
      return `text of 1 to ${MAX_ANSWER_TEXT} characters without control characters`
  }
}

/** The answer that `given`, a text or a JSON value, is; undefined where it breaks the rule of answersAllowed. */
export function readAnswer(question: SurveyQuestion, given: unknown): number | string | undefined {
  if (isNumeric(question)) return readNumeric(question, given)
  if (typeof given !== "string") return undefined
  const text = given.trim()
  if (question.kind === "choice") return question.options?.find((option) => option === text)
  const fits = text !== "" && text.length <= MAX_ANSWER_TEXT && !/[^\P{Cc}\n\t]/u.test(text)
  return fits ? text : undefined
}

function readNumeric(question: SurveyQuestion, given: unknown): number | undefined {
  const { kind, points = DEFAULT_POINTS, currency = DEFAULT_CURRENCY } = question
  const [least, most] =
    kind === "likert"
      ? [1, points]
      : [question.minimum ?? (kind === "amount" ? 0 : -MAX_NUMBER), question.maximum ?? MAX_NUMBER]
  let value: number
  if (typeof given === "number") value = given
  else if (typeof given === "string") {
    const text = given.trim()
    const plain = kind === "amount" && text.startsWith(`${currency} `) ? text.slice(4) : text
    // No comma: 1,500 is a thousand and a half to some and one and a half to others.
    if (!/^[+-]?\d{1,15}(\.\d{1,9})?$/.test(plain)) return undefined
    value = Number(plain)
  } else return undefined
  if (!(value >= least && value <= most)) return undefined
  if (kind === "likert" && !Number.isInteger(value)) return undefined
  // Money has cents: 4.499999 is no price.
  if (kind === "amount" && Math.abs(value * 100 - Math.round(value * 100)) > 1e-6) return undefined
  return value
}
