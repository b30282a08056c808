import assert from "node:assert/strict"
import { test } from "node:test"
import { Board } from "./bench/board.js"

test("whichever fiber commits last, the newest state is on flash", async () => {
  const board = await Board.start({ entry: "test/src/programs/state.ts" })
  assert.match(await board.line("ROUNDS"), /ROUNDS 60 STALE 0$/)
})
