import assert from "node:assert/strict"
import { test } from "node:test"
import { readCsv, writeCsv } from "../../../host/archive/csv.js"
import {
  array,
  boolean,
  datetime,
  integer,
  number,
  object,
  string,
  type Table,
} from "../../../host/archive/field.js"

const TABLE: Table = {
  ...{ name: "t", title: "", description: "", primaryKey: [] },
  fields: [
    integer("i", ""),
    number("n", ""),
    string("s", ""),
    boolean("b", ""),
    datetime("t", ""),
    object("o", ""),
    array("a", ""),
  ],
}

function problems(text: string): string[] {
  const found: string[] = []
  readCsv("t.csv", text, TABLE.fields, (error) => found.push(error.message))
  return found
}

test("every value comes back as it was", () => {
  const rows = [
    { i: -7, n: 0.1 + 0.2, s: 'a "b", c\r\nd', b: true, t: 1_700_000_000_123, o: { x: [1] }, a: [] },
    { i: 0, n: Number.NEGATIVE_INFINITY, s: " ß 🎵", b: false, t: 0, o: {}, a: [[1, "2"]] },
    { i: null, n: null, s: null, b: null, t: null, o: null, a: null },
  ]
  const text = writeCsv(TABLE, rows)
  assert.deepEqual(
    readCsv("t.csv", text, TABLE.fields, (error) => assert.fail(error)),
    rows,
  )
  assert.match(
    text,
    /^i,n,s,b,t,o,a\r\n-7,0\.30000000000000004,"a ""b"", c\r\nd",true,2023-11-14T22:13:20\.123Z,/,
  )
})

test("a cell that is not of its type is told by line, column, rule and value", () => {
  const line = (cells: string): string => `i,n,s,b,t,o,a\r\n${cells}\r\n`
  const rules: [string, RegExp][] = [
    ["007,,,,,,", /^t\.csv, line 2, i: must be a whole number, got 007$/],
    ["1e3,,,,,,", /line 2, i: must be a whole number/],
    ["9007199254740993,,,,,,", /line 2, i: must be a whole number/],
    [",1.50,,,,,", /line 2, n: must be a number, got 1\.50/],
    [",0x10,,,,,", /line 2, n: must be a number/],
    [",,,yes,,,", /line 2, b: must be true or false, got yes/],
    [",,,,2023-11-14,,", /line 2, t: must be a time such as/],
    [",,,,,[],", /line 2, o: must be a JSON object, got \[\]/],
    [",,,,,,{}", /line 2, a: must be a JSON array/],
    [",,,,,,{", /line 2, a: must be a JSON array/],
    ["1,2", /^t\.csv, line 2: must have 7 cells, got 2$/],
  ]
  for (const [cells, rule] of rules) assert.match(problems(line(cells)).join(), rule, cells)
  assert.match(problems("i,n\r\n").join(), /line 1: must have the columns i,n,s,b,t,o,a, got i,n$/)
  assert.match(problems("i,n,s,b,t,o,a\r\n1,,,,,,").join(), /must end with a line break/)
  assert.match(problems(line('"1,,,,,,')).join(), /must be CSV/)
})
