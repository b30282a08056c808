// The page of a report in a real browser, as somebody opens the file.

import assert from "node:assert/strict"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { pathToFileURL } from "node:url"
import { buildReport, PAGE } from "../../../host/report/report.js"
import { withArchivable } from "../archive/small-study.js"
import { inBrowser, newPage, violations } from "../dashboard/on-page.js"

test(
  "the report opens without network, errors or sideways scrolling, on a phone, in the dark and on paper",
  inBrowser,
  async () => {
    await withArchivable(async (study) => {
      const { files } = await buildReport(study, { version: "0.0.0-test" })
      const file = join(study.dir, PAGE)
      writeFileSync(file, files.get(PAGE)!)
      for (const [width, colorScheme] of [
        [1200, "light"],
        [375, "dark"],
      ] as const) {
        const page = await newPage({ viewport: { width, height: 800 }, colorScheme })
        const wrong: string[] = []
        page.on("console", (message) => wrong.push(message.text()))
        page.on("pageerror", (error) => wrong.push(error.message))
        page.on("request", (request) => {
          if (request.url() !== pathToFileURL(file).href) wrong.push(`asked for ${request.url()}`)
        })
        await page.goto(pathToFileURL(file).href)
        assert.equal(await page.evaluate("document.documentElement.scrollWidth - innerWidth"), 0, `${width}`)
        // Text of figures has the colour of the page's text, in the dark too.
        const inks = await page.evaluate(`[...new Set([...document.querySelectorAll("svg.figure text")]
          .map((text) => getComputedStyle(text).fill))]`)
        assert.deepEqual(inks, [await page.evaluate("getComputedStyle(document.body).color")])
        assert.equal(await page.locator("svg[role=img]:not([aria-label])").count(), 0)
        assert.deepEqual(await violations(page), [])
        await page.emulateMedia({ media: "print" })
        const ground = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert.equal(ground, "rgb(255, 255, 255)")
        assert.deepEqual(wrong, [])
        await page.close()
      }
    })
  },
)
