// The page in a real browser, over a store with known rows: what a person reads, reaches by keyboard, and can make out.

import assert from "node:assert/strict"
import type { AddressInfo } from "node:net"
import { after, test } from "node:test"
import type { Browser, Page } from "playwright-core"
import { buildServer } from "../../../host/server/server.js"
import type { Study } from "../../../host/study/study.js"
import { launchBrowser } from "../../browser.js"
import { withStudy } from "../study/folder.js"
import { START, storePlays, storeStudy } from "./known-study.js"

let browser: Browser | undefined
let missing: string | undefined
try {
  browser = await launchBrowser()
} catch (error) {
  // Where nothing may be installed the closing summary names these tests as not run; CI must run them.
  if (process.env.CI) throw error
  missing = (error as Error).message
}
const inBrowser = { skip: missing ?? false }
after(() => browser?.close())

interface Options {
  width?: number
  height?: number
  colorScheme?: "light" | "dark"
}

/** Opens the study's page and runs `look`; fails on anything that the browser complains about. */
async function onPage(
  study: Study,
  look: (page: Page) => Promise<void>,
  options: Options = {},
): Promise<void> {
  const app = buildServer({ study, now: () => START + 600_000, random: (n) => new Uint8Array(n) })
  await app.listen({ port: 0, host: "127.0.0.1" })
  const { width = 1200, height = 900, colorScheme = "light" } = options
  const page = await browser!.newPage({ viewport: { width, height }, colorScheme })
  const complaints: string[] = []
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text())
  })
  page.on("pageerror", (error) => complaints.push(error.message))
  try {
    await page.goto(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}/`)
    await page.waitForSelector("main")
    await look(page)
    assert.deepEqual(complaints, [])
    const { PAGE_SHOTS } = process.env
    if (PAGE_SHOTS)
      await page.screenshot({ path: `${PAGE_SHOTS}/${width}-${colorScheme}.png`, fullPage: true })
  } finally {
    await page.close()
    await app.close()
  }
}

test("a study without boards and songs says what to do next", inBrowser, async () => {
  await withStudy(async ({ study }) => {
    await study.store.subjects.release("0123456789abcdef", START)
    for (const { device } of await study.store.subjects.enrolments()) {
      await study.store.subjects.release(device, START)
    }
    await onPage(study, async (page) => {
      const text = await page.innerText("main")
      assert.match(text, /fieldtune enrol/)
      assert.match(text, /fieldtune catalogue add/)
      assert.match(text, /fieldtune round/)
    })
  })
})

test("waves, boards and the playlist with its reasons read as the store has them", inBrowser, async () => {
  await withStudy(async ({ study }) => {
    await storeStudy(study)
    await onPage(study, async (page) => {
      await page.waitForSelector("table.songs")
      const text = await page.innerText("main")
      // Two plays of 3-minute songs: 90 s skipped and 180 s finished.
      assert.match(text, /75 %/)
      assert.match(text, /50 %/)
      assert.match(text, /10 min ago/)
      assert.match(text, /1, confirmed/)
      assert.match(text, /2\.0 % of the utility given up by the design, 0\.5 % by random slots/)
      const rows = await page.locator("table.songs tbody tr").allInnerTexts()
      assert.equal(rows.length, 3)
      assert.match(rows[0], /Song 2/)
      assert.match(rows[0], /because of its tempo/)
      assert.match(rows[0], /exploit/)
      assert.match(rows[0], /0\.81/)
      assert.match(rows[2], /explore/)
      assert.match(rows[2], /0\.10/)
    })
  })
})

test("a new sync shows without a reload", inBrowser, async () => {
  await withStudy(async ({ study }) => {
    await storeStudy(study)
    await onPage(study, async (page) => {
      assert.match(await page.innerText("header"), /2 plays from 1 board,/)
      await storePlays(study, [{ sequence: 3, song: 3, heardMs: 20_000, reason: 1, position: 2 }])
      await page.locator("header", { hasText: "3 plays" }).waitFor({ timeout: 15_000 })
    })
  })
})

test("the keyboard reaches the study first and then every listener", inBrowser, async () => {
  await withStudy(async ({ study }) => {
    await storeStudy(study)
    await onPage(study, async (page) => {
      await page.keyboard.press("Tab")
      assert.equal(await page.evaluate("document.activeElement.textContent"), "Skip to the study")
      const reached: string[] = []
      while (reached.at(-1) !== "BUTTON" && reached.length < 20) {
        await page.keyboard.press("Tab")
        reached.push(await page.evaluate<string>("document.activeElement.tagName"))
      }
      // What the problems found say comes first, then the listeners.
      assert.deepEqual(new Set(reached), new Set(["SUMMARY", "BUTTON"]))
      await page.keyboard.press("Enter")
      assert.equal(await page.evaluate("document.activeElement.getAttribute('aria-pressed')"), "true")
    })
  })
})

for (const colorScheme of ["light", "dark"] as const) {
  test(
    `on a phone in ${colorScheme} colours nothing is cut off and all text has a contrast of 4.5 : 1`,
    inBrowser,
    async () => {
      await withStudy(async ({ study }) => {
        await storeStudy(study)
        const phone = { width: 375, height: 800, colorScheme }
        await onPage(
          study,
          async (page) => {
            await page.waitForSelector("table.songs")
            assert.equal(await page.evaluate("document.documentElement.scrollWidth"), 375)
            const colours = (await page.evaluate(COLOURS)) as [string, number[], number[]][]
            assert.ok(colours.length > 20)
            for (const [text, front, back] of colours) {
              const ratio = contrast(front, back)
              assert.ok(ratio >= 4.5, `${JSON.stringify(text)}: ${ratio.toFixed(2)} : 1`)
            }
          },
          phone,
        )
      })
    },
  )
}

/** Runs in the page: every text with its colour and the colour behind it, as the browser paints them. */
const COLOURS = `(() => {
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true })
  const paint = (colours) => {
    context.clearRect(0, 0, 1, 1)
    for (const colour of colours) { context.fillStyle = colour; context.fillRect(0, 0, 1, 1) }
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3)
  }
  const found = []
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim()
    const element = walker.currentNode.parentElement
    if (text === "" || !element.checkVisibility() || element.closest("script, noscript, .skip")) continue
    const backs = []
    for (let up = element; up; up = up.parentElement) backs.unshift(getComputedStyle(up).backgroundColor)
    found.push([text, paint([...backs, getComputedStyle(element).color]), paint(backs)])
  }
  return found
})()`

/** WCAG 2.2 contrast ratio of two sRGB colours, 0 … 255 each. */
function contrast(a: number[], b: number[]): number {
  const luminance = (rgb: number[]): number => {
    const [red, green, blue] = rgb.map((value) => {
      const share = value / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y)
  return (light + 0.05) / (dark + 0.05)
}
