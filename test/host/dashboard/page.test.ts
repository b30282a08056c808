// The page in a real browser, over stores with known rows: what a person reads, reaches by keyboard, does, and can make out.

import assert from "node:assert/strict"
import { test } from "node:test"
import type { Action } from "../../../host/round/act.js"
import { withStudy } from "../study/folder.js"
import { START, storePlays, storeStudy } from "./known-study.js"
import { inBrowser, onPage } from "./on-page.js"

test("a study without boards and songs says what to do next, on every page", inBrowser, async () => {
  await withStudy(async ({ study }) => {
    for (const { device } of await study.store.subjects.enrolments()) {
      await study.store.subjects.release(device, START)
    }
    await onPage(study, "empty", async (page) => {
      const text = await page.innerText("main")
      assert.match(text, /fieldtune enrol/)
      assert.match(text, /fieldtune catalogue add/)
      assert.match(text, /fieldtune wave open 1 or fieldtune round/)
      assert.match(text, /fieldtune serve --host/)
    })
  })
})

test("listeners, waves and days read as the store has them", inBrowser, async () => {
  await withStudy(async ({ study }) => {
    await storeStudy(study)
    await onPage(study, "study", async (page) => {
      assert.equal(await page.innerText("h1"), study.plan.name)
      const people = await page
        .locator("section", { hasText: "With a board now" })
        .locator("tbody tr")
        .allInnerTexts()
      assert.deepEqual(people, ["model\t1\t1\t0"])
      const [wave] = await page
        .locator("section", { hasText: "Waves and arms" })
        .locator("tbody tr")
        .allInnerTexts()
      assert.deepEqual(wave.split(/\s*\t\s*/), ["1", "model", "2", "75 %", "50 %", "1 of 1"])
      const days = page.locator("main > section", { hasText: "Day by day" })
      assert.match((await days.locator("svg").first().getAttribute("aria-label")) ?? "", /most on .*: 2$/)
      await days.locator("summary").first().click()
      assert.match(await days.locator("table").first().innerText(), /\t2/)
    })
  })
})

test("a board's row says how it is, what it plays and what comes next", inBrowser, async () => {
  await withStudy(async ({ study }) => {
    await storeStudy(study)
    await onPage(
      study,
      "boards",
      async (page) => {
        const row = await page.locator("tbody tr").innerText()
        assert.match(row, /handed out/)
        assert.match(row, /10 min ago/)
        assert.match(row, /list 1, wave 1/)
        assert.equal(await page.locator("button").count(), 0, "the page may only read")
        await page.locator("nav a", { hasText: "Listeners" }).click()
        await page.locator("main a").first().click()
        await page.waitForSelector("h2#subject")
        assert.match(page.url(), /#\/subjects\/1$/)
        await page.goBack()
        await page.waitForSelector("h2#listeners")
      },
      { path: "/boards" },
    )
  })
})

test("a new sync shows without a reload, told by the server", inBrowser, async () => {
  await withStudy(async ({ study }) => {
    await storeStudy(study)
    await onPage(study, "live", async (page) => {
      assert.match(await page.innerText("header"), /2 plays from 1 board,/)
      await storePlays(study, [{ sequence: 3, song: 3, heardMs: 20_000, reason: 1, position: 2 }])
      await page.locator("header", { hasText: "3 plays" }).waitFor({ timeout: 15_000 })
    })
  })
})

test(
  "the keyboard reaches the study first, then every page, and the skip link leads past them",
  inBrowser,
  async () => {
    await withStudy(async ({ study }) => {
      await storeStudy(study)
      await onPage(study, "keyboard", async (page) => {
        const focused = () => page.evaluate<string>("document.activeElement.textContent")
        await page.keyboard.press("Tab")
        assert.equal(await focused(), "Skip to the study")
        for (const name of ["Study", "Boards", "Listeners"]) {
          await page.keyboard.press("Tab")
          assert.match(await focused(), new RegExp(`^${name}`))
        }
        await page.keyboard.press("Enter")
        await page.waitForSelector("h2#listeners")
        await page.locator(".skip").focus()
        await page.keyboard.press("Enter")
        assert.equal(await page.evaluate("document.activeElement.id"), "main")
        assert.match(page.url(), /#\/subjects$/)
        // First the table, which may have to be scrolled, then its links.
        await page.keyboard.press("Tab")
        await page.keyboard.press("Tab")
        assert.equal(await page.evaluate("document.activeElement.getAttribute('href')"), "#/subjects/1")
      })
    })
  },
)

test("an action asks once, is done once, and what came of it is said and kept", inBrowser, async () => {
  await withStudy(async ({ study, device }) => {
    await storeStudy(study)
    const done: Action[] = []
    const act = async (action: Action) => {
      done.push(action)
      return { done: true, lines: ["Board is here."] }
    }
    await onPage(
      study,
      "action",
      async (page) => {
        await page.locator("main button", { hasText: "Returned" }).first().click()
        const dialog = page.locator("dialog[open]")
        assert.match(await dialog.innerText(), new RegExp(`Board ${device} is back`))
        await dialog.locator("button", { hasText: "Leave it" }).click()
        await dialog.waitFor({ state: "hidden" })
        assert.deepEqual(done, [])
        await page.locator("main button", { hasText: "Returned" }).first().click()
        await dialog.locator("button", { hasText: "Returned" }).click()
        await dialog.locator("p", { hasText: "Board is here." }).waitFor()
        assert.deepEqual(done, [{ action: "return-board", device }])
        await dialog.locator("button", { hasText: "Close" }).click()
        const [event] = await study.store.events.latest(1, "asked-on-page")
        assert.deepEqual(event.detail, { action: "return-board", device, from: "127.0.0.1" })
        const [answered] = await study.store.events.latest(1, "answered-on-page")
        assert.deepEqual(answered.detail, { action: "return-board", device, done: true })
      },
      { path: "/boards", act },
    )
  })
})

test("a listener's answers are entered on the page", inBrowser, async () => {
  await withStudy(async ({ study }) => {
    await onPage(
      study,
      "survey",
      async (page) => {
        await page.locator("select").nth(1).selectOption("4")
        await page.locator("button", { hasText: "Keep these answers" }).click()
        await page.getByText("1 answer of subject 1 kept.").waitFor()
        await page.locator("#answers + section td", { hasText: /^4$/ }).waitFor({ timeout: 15_000 })
        const [row] = await study.store.surveys.current()
        assert.deepEqual([row.subject, row.question, row.answer, row.source], [1, "satisfaction", 4, "page"])
      },
      { path: "/survey", act: async () => ({ done: true, lines: [] }) },
    )
  })
})

for (const colorScheme of ["light", "dark"] as const) {
  test(`on a phone in ${colorScheme} colours nothing is cut off`, inBrowser, async () => {
    await withStudy(async ({ study }) => {
      await storeStudy(study)
      for (const path of ["/", "/boards", "/subjects", "/subjects/1", "/survey"]) {
        const phone = {
          width: 375,
          height: 800,
          colorScheme,
          path,
          act: async () => ({ done: true, lines: [] }),
        }
        await onPage(
          study,
          `phone${path.replaceAll("/", "-")}`,
          async (page) => {
            assert.equal(await page.evaluate("document.documentElement.scrollWidth"), 375, path)
          },
          phone,
        )
      }
    })
  })
}
