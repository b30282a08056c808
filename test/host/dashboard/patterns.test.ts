// Weekly patterns on the page: before there are any, with them, on a phone, and a listener's own week.

import assert from "node:assert/strict"
import { test } from "node:test"
import type { Page } from "playwright-core"
import { DEFAULT_FIT, fitPatterns } from "../../../host/patterns/fit.js"
import { storedDictionary, storedPattern } from "../../../host/patterns/stored.js"
import { withPatterns } from "../patterns/simulated-study.js"
import { START, withStudy } from "../study/folder.js"
import { storeStudy } from "./known-study.js"
import { inBrowser, onPage } from "./on-page.js"

test(
  "patterns, what they tell of activities, and a listener's week are on the page, on a phone in the dark too",
  inBrowser,
  () =>
    withPatterns({ count: 48, weeks: 4 }, async (study) => {
      for (const look of [{}, { width: 375, height: 800, colorScheme: "dark" as const }]) {
        await onPage(
          study,
          "patterns",
          async (page) => {
            assert.match(
              await page.locator("main section").first().innerText(),
              /11 patterns learnt from 46 listeners/,
            )
            assert.equal(await page.locator("section[aria-labelledby=patterns] svg[role=img]").count(), 8)
            const learning = page.locator("section[aria-labelledby=learning]")
            assert.equal(await learning.locator("svg[role=img]").count(), 3)
            assert.equal(await learning.locator("svg:last-of-type polyline").count(), 2 + 3)
            const table = page.locator("section[aria-labelledby=activities] table").first()
            assert.deepEqual(await table.locator("thead th").allInnerTexts(), [
              "From",
              "wake",
              "friends",
              "Mean",
            ])
            assert.match(await table.locator("tbody").innerText(), /patterns\s+\.?0?\.\d\d/)
            assert.equal(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), true)
          },
          { path: "/patterns", ...look },
        )
      }
      const stored = await storedPattern(study, 1)
      assert.ok(stored)
      await onPage(
        study,
        "listener-week",
        async (page) => {
          const week = page.locator("section[aria-labelledby=week]")
          assert.match(
            await week.innerText(),
            new RegExp(`${stored.plays} plays of at least 30 s in 3\\.9 weeks`),
          )
          assert.equal(await week.locator("rect.hour").count(), 168)
          const titles = await week.locator("rect.hour title").allTextContents()
          assert.equal(titles[33], `Tue 9 h: ${stored.counts[33]} plays`)
        },
        { path: "/subjects/1" },
      )
    }),
)

test(
  "weeks that go on from Sunday to Monday begin at midnight; patterns of another study are said to be",
  inBrowser,
  () =>
    withPatterns({ count: 24, weeks: 3 }, async (study) => {
      const options = { ...DEFAULT_FIT, starts: 1, iterations: 5, source: "imported" as const }
      const firstHour = (page: Page): Promise<string | null> =>
        page.locator("section[aria-labelledby=patterns] tbody th").first().textContent()
      await onPage(study, "patterns-valid", async (page) => assert.equal(await firstHour(page), "Mon 1 h"), {
        path: "/patterns",
      })
      await fitPatterns(study, { ...options, smoothing: "circular" }, START)
      const held = await storedDictionary(study)
      assert.ok(held)
      await fitPatterns(study, { ...options, dictionary: { ...held.summary, atoms: held.atoms } }, START + 1)
      await onPage(
        study,
        "patterns-elsewhere",
        async (page) => {
          assert.equal(await firstHour(page), "Mon 0 h")
          const text = await page.locator("main section").first().innerText()
          assert.match(text, /^Weekly patterns\s+\d+ patterns learnt in another study /)
        },
        { path: "/patterns" },
      )
    }),
)

test("before any were learnt the page says how to", inBrowser, () =>
  withStudy(async ({ study }) => {
    await storeStudy(study)
    await onPage(
      study,
      "no-patterns",
      async (page) => assert.match(await page.locator("main").innerText(), /Next: fieldtune patterns fit/),
      { path: "/patterns" },
    )
  }),
)
