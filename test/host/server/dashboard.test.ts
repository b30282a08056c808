import assert from "node:assert/strict"
import { test } from "node:test"
import { buildServer } from "../../../host/server/server.js"
import type { Study } from "../../../host/study/study.js"
import { START, storeStudy } from "../dashboard/known-study.js"
import { KEY, withStudy } from "../study/folder.js"

async function get(study: Study, url: string) {
  const app = buildServer({ study, now: () => START, random: (n) => new Uint8Array(n) })
  try {
    return await app.inject({ url })
  } finally {
    await app.close()
  }
}

test("the overview counts what the store holds", async () => {
  await withStudy(async ({ study }) => {
    await storeStudy(study)
    const { status, waves, now } = (await get(study, "/api/overview")).json()
    assert.equal(now, START)
    assert.equal(status.plays, 2)
    assert.equal(status.devices[0].playing, 1)
    assert.deepEqual(waves, [
      {
        wave: 1,
        designs: "model",
        plays: 2,
        meanShareHeard: 0.75,
        shareFinished: 0.5,
        playlistsPublished: 1,
        playlistsConfirmed: 1,
      },
    ])
  })
})

test("a listener's playlist comes in playing order with titles and reasons", async () => {
  await withStudy(async ({ study }) => {
    await storeStudy(study)
    const { playlist, taste } = (await get(study, "/api/subjects/1")).json()
    assert.equal(taste, null)
    assert.deepEqual(playlist.price, { total: 0.025, design: 0.02, random: 0.005 })
    assert.deepEqual(
      playlist.items.map((item: { song: number }) => item.song),
      [2, 1, 3],
    )
    assert.equal(playlist.items[0].title, "Song 2")
    assert.equal(playlist.items[0].reason, "because of its tempo")
  })
})

test("a listener that is not there, and a number that is none, get 404", async () => {
  await withStudy(async ({ study }) => {
    for (const id of ["2", "0", "-1", "1e3", "%00", "99999999999999999999"]) {
      assert.equal((await get(study, `/api/subjects/${id}`)).statusCode, 404, id)
    }
  })
})

test("neither keys nor files beside the page leave the server, and nothing can be written", async () => {
  await withStudy(async ({ study }) => {
    await storeStudy(study)
    const key = Buffer.from(KEY)
    for (const url of ["/api/overview", "/api/subjects/1"]) {
      const { body, headers } = await get(study, url)
      for (const secret of [key.toString("hex"), key.toString("base64")]) assert.ok(!body.includes(secret))
      assert.match(String(headers["content-security-policy"]), /default-src 'self'/)
    }
    for (const url of ["/../../package.json", "/..%2f..%2fpackage.json", "/study.json", "/fieldtune.db"]) {
      assert.ok((await get(study, url)).statusCode >= 400, url)
    }
    const app = buildServer({ study, now: () => START, random: (n) => new Uint8Array(n) })
    for (const method of ["POST", "PUT", "DELETE"] as const) {
      const { statusCode } = await app.inject({ method, url: "/api/overview" })
      assert.equal(statusCode, 404, method)
    }
    await app.close()
  })
})
