// The fields of study.json: their rules, their defaults, and what each is for. `fieldtune plan --explain` prints the
// descriptions, `fieldtune plan --schema` the JSON Schema.

import Type from "typebox"
import { MAX_LISTS, MAX_PARTICLES, MAX_VARIABLES } from "../../src/adapt.js"
import { MAX_VOLUME } from "../../src/record.js"
import { MAX_PLAYLIST_ITEMS, MAX_SLEEP_MINUTES } from "../../src/wire.js"
import { SurveyQuestionSchema } from "./survey-questions.js"

const strict = { additionalProperties: false }
const DATE = "^\\d{4}-\\d{2}-\\d{2}$"
const TIME = "^([01]\\d|2[0-3]):[0-5]\\d$|^24:00$"

const Design = Type.Union([
  Type.Literal("model"),
  Type.Literal("gower"),
  Type.Literal("random"),
  Type.Literal("utility"),
  Type.Literal("thompson"),
])

const Arm = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 64, description: "Name of the arm." }),
    design: Type.Union(Design.anyOf, { description: "How its playlists are designed." }),
    share: Type.Number({
      exclusiveMinimum: 0,
      default: 1,
      description: "Relative share of the subjects: 2 and 1 give two thirds and one third.",
    }),
    code: Type.Optional(
      Type.String({
        pattern: "^[A-Za-z0-9]{1,8}$",
        description:
          "What stands for the arm in a blind study; left out, the arms get letters in an order drawn from the study's key.",
      }),
    ),
  },
  strict,
)

const Stratum = Type.Object(
  {
    name: Type.String({
      minLength: 1,
      maxLength: 64,
      description: "What is asked of a subject, such as site.",
    }),
    levels: Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
      minItems: 2,
      maxItems: 50,
      uniqueItems: true,
      description: "The possible answers.",
    }),
  },
  strict,
)

const Allocation = Type.Object(
  {
    method: Type.Union([Type.Literal("auto"), Type.Literal("blocked"), Type.Literal("simple")], {
      default: "auto",
      description:
        "blocked: within a block every arm has exactly its share. simple: every subject is drawn by itself. auto: blocked where the shares are whole numbers, otherwise simple.",
    }),
    blocks: Type.Array(Type.Integer({ minimum: 1, maximum: 20 }), {
      minItems: 1,
      maxItems: 10,
      default: [1, 2],
      description:
        "Sizes of the blocks in multiples of the sum of the shares; which comes next is drawn, so that nobody can foretell the end of a block.",
    }),
    strata: Type.Array(Stratum, {
      maxItems: 6,
      default: [],
      description: "Allocation is balanced within every combination of these.",
    }),
  },
  strict,
)

const Cohort = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 64, description: "Name of the cohort." }),
    start: Type.Optional(
      Type.String({ pattern: DATE, description: "First day of its first wave, YYYY-MM-DD." }),
    ),
    subjects: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1_000_000, description: "How many subjects it has room for." }),
    ),
  },
  strict,
)

const Waves = Type.Object(
  {
    count: Type.Integer({ minimum: 1, maximum: 1000, default: 2, description: "Number of waves." }),
    days: Type.Integer({ minimum: 1, maximum: 366, default: 5, description: "Days of a wave." }),
    gapDays: Type.Integer({
      minimum: 0,
      maximum: 366,
      default: 2,
      description: "Days between two waves, for syncing and designing.",
    }),
    start: Type.Optional(
      Type.String({
        pattern: DATE,
        description: "First day of the first wave, YYYY-MM-DD; left out, waves start when they are opened.",
      }),
    ),
    first: Type.Literal("random", {
      default: "random",
      description: "Where the playlists of a subject without plays come from.",
    }),
  },
  strict,
)

const SyncHours = Type.Object(
  {
    from: Type.String({ pattern: TIME, description: "HH:MM in the study's time zone." }),
    to: Type.String({ pattern: TIME, description: "HH:MM, after `from`; 24:00 is midnight." }),
  },
  strict,
)

const Privacy = Type.Object(
  {
    labels: Type.Boolean({
      default: true,
      description:
        "Whether subjects may be given labels, which could be names. Labels never leave the study's folder: no export and no archive has them.",
    }),
    bodies: Type.Union([Type.Literal("keep"), Type.Literal("until-archived")], {
      default: "until-archived",
      description:
        "How long the sealed bytes of syncs are kept beside what was read from them: until an archive is written and verified, or for good.",
    }),
    exportTimes: Type.Union(
      [Type.Literal("exact"), Type.Literal("hour"), Type.Literal("date"), Type.Literal("none")],
      {
        default: "exact",
        description: "How exactly exports and archives say when a play began.",
      },
    ),
  },
  strict,
)

const Outcome = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 120, description: "Name of the outcome." }),
    measure: Type.Union(
      [
        Type.Literal("shareHeard"),
        Type.Literal("shareFinished"),
        Type.Literal("secondsHeard"),
        Type.Literal("plays"),
      ],
      {
        description:
          "Per subject and wave: mean share of a song heard, share of plays heard to the end, mean seconds heard of a play, or number of plays.",
      },
    ),
    waves: Type.Array(Type.Integer({ minimum: 1, maximum: 1000 }), {
      uniqueItems: true,
      default: [],
      description: "Waves that count; empty = all but the first, whose playlists are random.",
    }),
    minHeardMs: Type.Integer({
      minimum: 0,
      maximum: 600_000,
      default: 500,
      description: "Shorter plays are slips and do not count, milliseconds.",
    }),
    primary: Type.Boolean({ default: false, description: "Whether the study is judged by it." }),
  },
  strict,
)

const OnDevice = Type.Object(
  {
    margin: Type.Number({
      minimum: 0,
      maximum: 60,
      default: 0.1,
      description:
        "Share by which what is expected of another song must exceed what is expected of the next one.",
    }),
    alternates: Type.Integer({
      minimum: 0,
      maximum: MAX_PLAYLIST_ITEMS - 1,
      default: 20,
      description: "Songs beyond the playlist that may take the place of listed ones, the most useful first.",
    }),
    lists: Type.Integer({
      minimum: 1,
      maximum: MAX_LISTS,
      default: 1,
      description: "Whole playlists among which the board chooses after the first listens.",
    }),
    after: Type.Integer({
      minimum: 0,
      maximum: 255,
      default: 3,
      description: "Listens that a board weighs before it chooses.",
    }),
    epsilon: Type.Number({
      minimum: 0,
      maximum: 1,
      default: 0,
      description:
        "Probability that a choice is drawn uniformly from what may come next, so that propensities are not 0 and 1.",
    }),
    particles: Type.Integer({
      minimum: 1,
      maximum: MAX_PARTICLES,
      default: MAX_PARTICLES,
      description: "Particles that the board gets; what it has no room for is left out.",
    }),
    variables: Type.Integer({
      minimum: 1,
      maximum: MAX_VARIABLES,
      default: MAX_VARIABLES,
      description: "Variables that these particles span.",
    }),
  },
  strict,
)

export const PlanSchema = Type.Object(
  {
    schema: Type.Literal(1, { default: 1, description: "Version of this schema." }),
    name: Type.String({ minLength: 1, maxLength: 120, default: "study", description: "Name of the study." }),
    seed: Type.Integer({
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      default: 1,
      description:
        "Every random choice of the study follows from it (but the allocation: see docs/security.md).",
    }),
    timeZone: Type.String({
      minLength: 1,
      maxLength: 64,
      default: "UTC",
      description: "Where the days and hours of the study are counted: an IANA name such as Europe/Berlin.",
    }),
    playlistSize: Type.Integer({
      minimum: 1,
      maximum: MAX_PLAYLIST_ITEMS,
      default: 40,
      description: "Songs per playlist.",
    }),
    songsPerListener: Type.Integer({
      minimum: 0,
      maximum: 65535,
      default: 0,
      description:
        "Songs that a listener's playlists are chosen from, drawn from the catalogue for each; 0 = the whole catalogue.",
    }),
    arms: Type.Array(Arm, {
      minItems: 1,
      maxItems: 26,
      default: [{ name: "model", design: "model", share: 1 }],
      description: "The arms of the study.",
    }),
    allocation: Type.Object(Allocation.properties, {
      ...strict,
      default: {},
      description: "How subjects come to their arms.",
    }),
    blind: Type.Union([Type.Literal("none"), Type.Literal("double")], {
      default: "none",
      description:
        "double: until `fieldtune unblind`, page, commands and exports show codes in place of arms and hide what would reveal one: designs, reasons, utilities, tags.",
    }),
    cohorts: Type.Array(Cohort, {
      maxItems: 100,
      default: [],
      description:
        "Groups of subjects that run one after the other where there are too few boards; empty = all at once.",
    }),
    waves: Type.Object(Waves.properties, {
      ...strict,
      default: {},
      description: "The periods of listening with one playlist per subject.",
    }),
    designsBeforeRefit: Type.Integer({
      minimum: 1,
      maximum: 1000,
      default: 10,
      description: "Designed playlists of a subject before the model starts again from all plays.",
    }),
    draws: Type.Integer({
      minimum: 50,
      maximum: 100000,
      default: 500,
      description: "Particles per subject.",
    }),
    epsilon: Type.Number({
      minimum: 0,
      maximum: 1,
      default: 0.1,
      description: "Share of slots filled uniformly at random, so that propensities are known.",
    }),
    explorationCap: Type.Number({
      minimum: 0,
      maximum: 1,
      default: 0.03,
      description: "Largest share of utility that a playlist may give up to learn.",
    }),
    coolDownWaves: Type.Integer({
      minimum: 0,
      maximum: 1000,
      default: 1,
      description: "Waves in which a song that was on a playlist does not return.",
    }),
    maxShareGenre: Type.Number({
      exclusiveMinimum: 0,
      maximum: 1,
      default: 1,
      description: "Largest share of one genre in a playlist.",
    }),
    maxShareArtist: Type.Number({
      exclusiveMinimum: 0,
      maximum: 1,
      default: 1,
      description: "Largest share of one artist in a playlist.",
    }),
    utilityFloor: Type.Number({
      minimum: 0,
      maximum: 1,
      default: 0,
      description:
        "Share of the highest utility that a playlist must keep in expectation, random slots included; 0 = no floor.",
    }),
    utility: Type.Union(
      [Type.Literal("auto"), Type.Literal("share"), Type.Literal("seconds"), Type.Literal("logTime")],
      {
        default: "auto",
        description:
          "What a song is worth: the expected share of it that is heard, expected seconds heard, or expected log time (thesis). auto: the share, in profile thesis the log time.",
      },
    ),
    expectedModelSize: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        description:
          "Expected number of attributes in a taste, which the plays then correct; left out: each is in with probability 1/2.",
      }),
    ),
    syncMinutes: Type.Integer({
      minimum: 0,
      maximum: 10080,
      default: 15,
      description: "Minutes between syncs that a board starts by itself; 0 = on demand only.",
    }),
    syncHours: Type.Array(SyncHours, {
      maxItems: 12,
      default: [],
      description:
        "Hours of the day in which boards sync by themselves, ascending; empty = always. A board asks again at the start of the next of these hours.",
    }),
    maxVolume: Type.Integer({
      minimum: 0,
      maximum: MAX_VOLUME,
      default: 12,
      description: "Loudest volume that a board allows, of 15.",
    }),
    controls: Type.Array(
      Type.Union([Type.Literal("previous"), Type.Literal("like"), Type.Literal("volume")]),
      {
        uniqueItems: true,
        default: [],
        description: "What a listener may do beside playing, skipping and stopping.",
      },
    ),
    sleepMinutes: Type.Integer({
      minimum: 0,
      maximum: MAX_SLEEP_MINUTES,
      default: 0,
      description: "The music stops when nobody has pressed a button for so many minutes; 0 = never.",
    }),
    port: Type.Integer({
      minimum: 0,
      maximum: 65535,
      default: 8137,
      description: "TCP port that boards are told and `fieldtune serve` listens on.",
    }),
    weights: Type.Union(
      [
        Type.Literal("auto"),
        Type.Literal("density"),
        Type.Literal("geometric"),
        Type.Literal("bayes"),
        Type.Literal("stacking"),
        Type.Literal("marginal"),
        Type.Literal("own"),
      ],
      {
        default: "auto",
        description:
          "Whose models speak for a subject, and how loudly (host/model/borrow.ts). auto = density in the thesis profile; otherwise what foretells the first wave best, kept for the whole study.",
      },
    ),
    forgetting: Type.Union([Type.Literal("auto"), Type.Number({ exclusiveMinimum: 0, maximum: 1 })], {
      default: "auto",
      description:
        "Weight that a wave's plays keep from one wave to the next; 1 = nothing is forgotten. auto = 1 in the thesis profile; otherwise what foretells the second wave best, kept for the whole study.",
    }),
    onDevice: Type.Optional(
      Type.Object(OnDevice.properties, {
        ...strict,
        description:
          "Lets boards reweigh the taste after every listen and choose the next song themselves, {} for all defaults. Left out: they play the designed order. The design's propensities hold for a song having a slot of a playlist that is played as it stands; a board that reorders plays liked songs early and leaves others out, so what is heard of a song is no longer independent of the plays before it. An analysis that relies on the design must take the probability of every choice into account (the host repeats each choice; epsilon keeps it above 0), and arms that are to be compared must not differ in this by accident.",
      }),
    ),
    outcomes: Type.Array(Outcome, {
      maxItems: 50,
      default: [
        { name: "share heard", measure: "shareHeard", primary: true },
        { name: "share finished", measure: "shareFinished" },
      ],
      description: "What the arms are compared by, said before anything is known.",
    }),
    survey: Type.Optional(
      Type.Array(SurveyQuestionSchema, {
        maxItems: 100,
        description:
          "What listeners are asked beside listening; left out: five questions on satisfaction, fit, surprise, going on and willingness to pay (fieldtune survey questions); [] = nothing.",
      }),
    ),
    privacy: Type.Object(Privacy.properties, {
      ...strict,
      default: {},
      description: "What is kept and what leaves the study's folder.",
    }),
    profile: Type.Union([Type.Literal("default"), Type.Literal("thesis")], {
      default: "default",
      description: "Which procedure estimates: the corrected one or the literal one for replication.",
    }),
  },
  { ...strict, default: {} },
)

export type Plan = Type.Static<typeof PlanSchema>
