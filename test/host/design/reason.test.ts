import assert from "node:assert/strict"
import { test } from "node:test"
import { reasonText } from "../../../host/design/reason.js"

const terms = [
  { name: "Mood", mean: Math.log(1.36), low: Math.log(1.18), high: Math.log(1.57) },
  { name: "genre=Hip-Hop", mean: Math.log(0.8), low: Math.log(0.7), high: Math.log(1.02) },
]

test("a reason says how the song came in, and what its taste terms do to the listening time", () => {
  assert.equal(
    reasonText({ slot: "designed", tag: "exploit", terms }, { design: "model" }),
    "Among the songs expected to be heard longest. Mood: heard 36 % longer (18 to 57 %), " +
      "Hip-Hop: heard 20 % shorter (-30 to 2 %).",
  )
})

test("every way into a playlist has its own words", () => {
  const say = (slot: "fixed" | "designed" | "random", tag: "explore" | "exploit", design: string): string =>
    reasonText({ slot, tag, terms: [] }, { design: design as "model" })
  const texts = [
    say("fixed", "exploit", "model"),
    say("designed", "exploit", "model"),
    say("designed", "explore", "model"),
    say("random", "explore", "model"),
    say("random", "explore", "random"),
    say("designed", "explore", "gower"),
    say("designed", "explore", "thompson"),
  ]
  assert.equal(new Set(texts).size, texts.length)
})
