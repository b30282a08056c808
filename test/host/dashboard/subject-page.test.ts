// The page of a listener with a model, and the catalogue's: what they show is what the store holds.

import assert from "node:assert/strict"
import { test } from "node:test"
import { runRound } from "../../../host/round.js"
import type { Study } from "../../../host/study/study.js"
import { subjectView } from "../../../host/study/subject-view.js"
import { addSongs, START, withStudy } from "../study/folder.js"
import { storePlays, storeStudy } from "./known-study.js"
import { inBrowser, onPage } from "./on-page.js"

/** Two lists, the second designed by a model of some plays. */
async function estimated(study: Study): Promise<void> {
  await storeStudy(study)
  await addSongs(study, 60)
  await storePlays(
    study,
    Array.from({ length: 30 }, (_, i) => ({
      ...{ sequence: 3 + i, song: 1 + (i % 40), position: 0 },
      // Odd songs are skipped early.
      ...(i % 2 === 0 ? { heardMs: 15_000 + 500 * i, reason: 1 } : { heardMs: 180_000, reason: 0 }),
    })),
  )
  await runRound(study, { now: START, workers: 1 })
}

test("intervals hold the means, the hazard is a curve, and the diagnosis is in words", () =>
  withStudy(async ({ study }) => {
    await estimated(study)
    const view = (await subjectView(study, 1))!
    assert.equal(view.playsInAll, 32)
    assert.equal(view.lists.length, 2)
    assert.equal(view.lists[0].wave, 2)
    assert.ok(view.lists[0].songs.every(({ expected }) => expected !== null && expected > 0 && expected <= 1))
    // No model was there when the first list was made.
    assert.ok(view.lists[1].songs.every(({ expected }) => expected === null))
    for (const { name, mean, low, high, inclusion } of view.taste!.coefficients) {
      assert.ok(low <= high && inclusion >= 0 && inclusion <= 1, name)
      if (low < high) assert.ok(low - 1e-9 <= mean && mean <= high + 1e-9, name)
    }
    const { sigma } = view.taste!
    assert.ok(sigma.low < sigma.mean && sigma.mean < sigma.high)
    assert.ok(view.hazard!.median.every((value, i) => value > 0 && value >= view.hazard!.low[i]))
    assert.ok(
      view.taste!.diagnosis.some(({ says }) =>
        /^The \d+ particles are worth \d+ independent draws/.test(says),
      ),
    )
    assert.equal(await subjectView(study, 9), undefined)
  }))

test("a listener's page shows plays, taste and every list with its reasons", inBrowser, () =>
  withStudy(async ({ study }) => {
    await estimated(study)
    await onPage(
      study,
      "subject",
      async (page) => {
        await page.waitForSelector("h2#lists")
        assert.match(
          (await page.locator("svg").first().getAttribute("aria-label")) ?? "",
          /^32 plays from .* heard to the end/,
        )
        assert.match(await page.innerText("section[aria-labelledby=taste]"), /How far to trust it/)
        assert.match(await page.locator("h3", { hasText: "Playlist 2" }).innerText(), /Playlist 2/)
        await page.locator("button", { hasText: /^1$/ }).click()
        const rows = await page.locator("table.songs tbody tr").allInnerTexts()
        assert.equal(rows.length, 3)
        assert.match(rows[0], /Song 2/)
        assert.match(rows[0], /exploit because of its tempo/)
        assert.match(rows[0], /0\.81/)
        assert.match(rows[2], /explore/)
        assert.match(rows[2], /0\.10/)
      },
      { path: "/subjects/1" },
    )
  }),
)

test("songs are sorted, filtered and paged through by keyboard", inBrowser, () =>
  withStudy(async ({ study }) => {
    await storeStudy(study)
    await addSongs(study, 250)
    await onPage(
      study,
      "songs",
      async (page) => {
        await page.waitForSelector("h2#songs")
        const first = () => page.locator("tbody tr").first().innerText()
        assert.equal(await page.locator("tbody tr").count(), 100)
        await page.locator("button", { hasText: "Share heard" }).press("Enter")
        assert.match(await first(), /Song 1\n/)
        assert.match(await first(), /100 %/)
        await page.locator("button", { hasText: "After" }).press("Enter")
        await page.getByText("Page 2 of 3").waitFor()
        await page.locator("#filter").fill("song 24")
        await page.locator(".search span", { hasText: /^1\d songs$/ }).waitFor()
        await page.locator("#filter").fill("nothing like this")
        await page.locator(".search span", { hasText: /^0 songs$/ }).waitFor()
        await page.locator("#filter").fill("")
      },
      { path: "/songs" },
    )
  }),
)

for (const colorScheme of ["light", "dark"] as const) {
  test(`both fit on a phone in ${colorScheme} colours`, inBrowser, () =>
    withStudy(async ({ study }) => {
      await estimated(study)
      for (const path of ["/subjects/1", "/songs"]) {
        await onPage(
          study,
          `estimated${path.replaceAll("/", "-")}`,
          async (page) => {
            await page.waitForSelector("h2#lists, h2#songs")
            assert.equal(await page.evaluate("document.documentElement.scrollWidth"), 375, path)
          },
          { path, width: 375, height: 800, colorScheme },
        )
      }
    }),
  )
}
