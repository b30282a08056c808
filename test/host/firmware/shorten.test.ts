import assert from "node:assert/strict"
import { test } from "node:test"
import { shorten, shortNames } from "../../../host/firmware/shorten.js"

const LIBRARY = "export declare class Socket { connect(): void }"
const ONE = `
// the counter of this file
import { connect } from "library"
export class Keeper {
  private counter = 0x7eff06
  keep(message: string): void {
    this.counter++
    console.log("kept " + message, \`counted\`)
  }
}
`
const TWO = 'new Keeper().keep("x"); const kept = 1; const counted = kept; connect()'

test("own names get short ones everywhere alike; texts, comments, numbers and the library's names stay", () => {
  const names = shortNames([ONE, TWO], [LIBRARY])
  assert.deepEqual([...names.keys()].sort(), ["Keeper", "console", "counter", "keep", "message"].sort())
  const one = shorten(ONE, names)
  assert.match(one, /import \{ connect \} from "library"/)
  assert.match(one, /"kept "/)
  assert.match(one, /0x7eff06/)
  assert.doesNotMatch(one.replace(/\/\/.*/g, ""), /counter|Keeper|message/)
  assert.equal(shorten(TWO, names).includes(`new ${names.get("Keeper")}().${names.get("keep")}("x")`), true)
  assert.equal(new Set(names.values()).size, names.size)
})

test("the same sources give the same names, in whatever order", () => {
  assert.deepEqual(shortNames([TWO, ONE], [LIBRARY]), shortNames([ONE, TWO], [LIBRARY]))
})
