import assert from "node:assert/strict"
import type { AddressInfo } from "node:net"
import { test } from "node:test"
import { buildServer, stopServer } from "../../../host/server/server.js"
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
    const glance = (await get(study, "/api/overview")).json()
    assert.equal(glance.now, START)
    assert.equal(glance.plays, 2)
    assert.equal(glance.actions, false)
    assert.deepEqual(glance.boards[0].playing, { version: 1, wave: 1, song: null })
    assert.equal(glance.boards[0].next, null)
    const arm = { arm: "model", published: 1, confirmed: 1, plays: 2 }
    assert.deepEqual(glance.outcomes, [
      { wave: 1, arms: [{ ...arm, meanShareHeard: 0.75, shareFinished: 0.5 }] },
    ])
    assert.deepEqual(glance.people, {
      ...{ enrolled: 1, carrying: 1, withdrawn: 0 },
      arms: [{ arm: "model", enrolled: 1, carrying: 1, withdrawn: 0 }],
    })
    const sum = glance.days.reduce((n: number, day: { plays: number }) => n + day.plays, 0)
    assert.equal(sum, 2)
  })
})

test("the overview is computed anew when something has changed, and only then", async () => {
  await withStudy(async ({ study }) => {
    await storeStudy(study)
    const app = buildServer({ study, now: () => START, random: (n) => new Uint8Array(n) })
    const revision = async () => (await app.inject({ url: "/api/overview" })).json().revision
    const first = await revision()
    assert.equal(await revision(), first)
    await study.store.events.append({ at: START, kind: "note", subject: null, device: null, detail: {} })
    assert.notEqual(await revision(), first)
    await app.close()
  })
})

test("a page is told of a change, by whoever it was made, and let go when the server stops", async () => {
  await withStudy(async ({ study }) => {
    const app = buildServer({ study, now: () => START, random: (n) => new Uint8Array(n) })
    await app.listen({ port: 0, host: "127.0.0.1" })
    const { port } = app.server.address() as AddressInfo
    const response = await fetch(`http://127.0.0.1:${port}/api/events`)
    assert.equal(response.headers.get("content-type"), "text/event-stream")
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    let heard = (await reader.read()).value ?? ""
    await study.store.events.append({ at: START, kind: "note", subject: null, device: null, detail: {} })
    while (!heard.includes("event: changed")) heard += (await reader.read()).value
    await stopServer(app, 10_000)
    assert.equal((await reader.read()).done, true)
  })
})

test("a listener's playlist comes in playing order with titles, reasons and what was heard of each song", async () => {
  await withStudy(async ({ study }) => {
    await storeStudy(study)
    const { lists, taste, plays, playsInAll } = (await get(study, "/api/subjects/1")).json()
    assert.equal(taste, null)
    assert.deepEqual(lists[0].price, { total: 0.025, design: 0.02, random: 0.005 })
    assert.deepEqual(
      lists[0].songs.map(({ song, heard }: { song: number; heard: number | null }) => [song, heard]),
      [
        [2, 0.5],
        [1, 1],
        [3, null],
      ],
    )
    assert.equal(lists[0].songs[0].title, "Song 2")
    assert.equal(lists[0].songs[0].reason, "because of its tempo")
    assert.equal(playsInAll, 2)
    assert.deepEqual(
      plays.map(({ song, share, end, wave }: Record<string, unknown>) => [song, share, end, wave]),
      [
        [2, 0.5, "skipped", 1],
        [1, 1, "finished", 1],
      ],
    )
  })
})

test("the songs come with what became of them", async () => {
  await withStudy(async ({ study }) => {
    await storeStudy(study)
    const { songs } = (await get(study, "/api/songs")).json()
    assert.deepEqual(
      songs.map((row: Record<string, unknown>) => [
        row.song,
        row.listed,
        row.toLearn,
        row.plays,
        row.meanShareHeard,
      ]),
      [
        [1, 1, 0, 1, 1],
        [2, 1, 0, 1, 0.5],
        [3, 1, 1, 0, null],
      ],
    )
  })
})

test("while the study is blind neither the overview nor a listener nor the songs tell of a design", async () => {
  await withStudy(
    async ({ study }) => {
      await storeStudy(study)
      for (const url of ["/api/overview", "/api/subjects/1", "/api/songs"]) {
        const { body, statusCode } = await get(study, url)
        assert.equal(statusCode, 200)
        assert.doesNotMatch(
          body,
          /because of its|"explore"|"exploit"|"toLearn":\d|"model"|"propensity":[\d.]|"utility":[\d.]/,
          url,
        )
      }
    },
    { blind: "double" },
  )
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
