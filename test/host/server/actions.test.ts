// Actions from the page: who may ask, for what, and what the event log keeps.

import assert from "node:assert/strict"
import { test } from "node:test"
import { type Action, act } from "../../../host/round/act.js"
import { buildServer } from "../../../host/server/server.js"
import { storeStudy } from "../dashboard/known-study.js"
import { addSongs, DEVICE, START, withStudy } from "../study/folder.js"

const HOST = "localhost:8137"
const SAME = { host: HOST, origin: `http://${HOST}`, "content-type": "application/json" }
const RETURN = { action: "return-board", device: DEVICE }

test("a page that may only read is refused, and told how it could act", () =>
  withStudy(async ({ study }) => {
    const app = buildServer({ study, now: () => START, random: (n) => new Uint8Array(n) })
    const answer = await app.inject({ method: "POST", url: "/api/actions", headers: SAME, payload: RETURN })
    assert.equal(answer.statusCode, 403)
    assert.match(answer.json().error, /fieldtune serve --actions/)
    await app.close()
  }))

test("other origins, other machines and what is no action are refused; nothing of it is done", () =>
  withStudy(async ({ study }) => {
    const done: Action[] = []
    const app = buildServer({
      study,
      now: () => START,
      random: (n) => new Uint8Array(n),
      act: async (action) => {
        done.push(action)
        return { done: true, lines: [] }
      },
    })
    const post = async (headers: Record<string, string>, payload: unknown, remoteAddress = "127.0.0.1") =>
      (
        await app.inject({
          ...{ method: "POST", url: "/api/actions", headers, remoteAddress },
          payload: typeof payload === "string" ? payload : JSON.stringify(payload),
        })
      ).statusCode
    const { origin: _, ...withoutOrigin } = SAME
    assert.equal(await post(withoutOrigin, RETURN), 403)
    assert.equal(await post({ ...SAME, origin: "http://evil.example" }, RETURN), 403)
    assert.equal(await post({ ...SAME, "sec-fetch-site": "cross-site" }, RETURN), 403)
    assert.equal(await post({ ...SAME, host: "evil.example", origin: "http://evil.example" }, RETURN), 401)
    assert.equal(await post(SAME, RETURN, "10.0.0.9"), 401)
    assert.equal(await post({ ...SAME, "content-type": "text/plain" }, RETURN), 400)
    for (const bad of [
      "{",
      {},
      { action: "erase" },
      { ...RETURN, device: "../../x" },
      { ...RETURN, more: 1 },
      { action: "open-wave", wave: 0, cohort: "" },
      { action: "open-wave", wave: 1 },
      { action: "open-wave", wave: 1, cohort: "x".repeat(101) },
    ]) {
      assert.equal(await post(SAME, bad), 400, JSON.stringify(bad))
    }
    assert.equal(await post(SAME, { ...RETURN, pad: "x".repeat(2000) }), 413)
    assert.deepEqual(done, [])
    assert.deepEqual(await study.store.events.latest(1, "asked-on-page"), [])
    assert.equal(await post(SAME, RETURN), 200)
    assert.deepEqual(done, [RETURN])
    await app.close()
  }))

test("a program acts with the token and without a page; a browser of another origin can't, whatever it names", () =>
  withStudy(async ({ study }) => {
    const token = "correct horse battery staple"
    const app = buildServer({
      ...{ study, now: () => START, token },
      random: (n) => new Uint8Array(n),
      act: async () => ({ done: true, lines: [] }),
    })
    const post = async (headers: Record<string, string>): Promise<number> => {
      const common = {
        method: "POST" as const,
        url: "/api/actions",
        remoteAddress: "10.0.0.9",
        payload: RETURN,
      }
      return (await app.inject({ ...common, headers: { host: "study.example:8137", ...headers } })).statusCode
    }
    const authorization = `Bearer ${token}`
    assert.equal(await post({ authorization }), 200)
    assert.equal(await post({ authorization: `${authorization}x` }), 401)
    assert.equal(await post({ authorization, origin: "http://evil.example" }), 403)
    assert.equal(await post({}), 401)
    await app.close()
  }))

test("what was asked is done as the commands do it; what cannot be done says why", () =>
  withStudy(async ({ study }) => {
    await storeStudy(study)
    await addSongs(study, 60)
    const app = buildServer({
      study,
      now: () => START,
      random: (n) => new Uint8Array(n),
      act: (action) => act(study, action, START),
    })
    const ask = async (payload: object) => {
      const answer = await app.inject({ method: "POST", url: "/api/actions", headers: SAME, payload })
      return { status: answer.statusCode, ...answer.json() }
    }
    const opened = await ask({ action: "open-wave", wave: 2, cohort: "" })
    assert.equal(opened.status, 200, opened.lines?.join())
    assert.match(opened.lines.join("\n"), /Wave 2 is open\.\nWave 2: 1 playlists published/)
    assert.equal((await study.store.playlists.latest(DEVICE))?.wave, 2)
    const twice = await ask({ action: "open-wave", wave: 2, cohort: "" })
    assert.equal(twice.done && twice.lines.some((line: string) => /1 playlists published/.test(line)), false)
    assert.equal((await ask({ action: "close-wave", wave: 2, cohort: "" })).status, 200)
    const returned = await ask(RETURN)
    assert.deepEqual(returned.lines, [
      `Board ${DEVICE} is here and may be handed out.`,
      "Subject 1 no longer carries it.",
    ])
    const again = await ask(RETURN)
    assert.equal(again.status, 409)
    assert.match(again.lines[0], /must be handed-out, is returned/)
    const asked = await study.store.events.latest(10, "asked-on-page")
    assert.equal(asked.length, 5)
    const answered = await study.store.events.latest(10, "answered-on-page")
    const done = answered.map(({ detail }) => (detail as { done: boolean }).done)
    assert.deepEqual(done, [false, true, true, false, true])
    await app.close()
  }))

test("answers to the survey are kept where the page may act, and wrong ones are named; nothing of a wrong sheet is kept", () =>
  withStudy(async ({ study }) => {
    const common = { study, now: () => START, random: (n: number) => new Uint8Array(n) }
    const app = buildServer({ ...common, act: (action) => act(study, action, START) })
    const post = (payload: object, headers: Record<string, string> = SAME) =>
      app.inject({ method: "POST", url: "/api/survey", headers, payload })
    const sheet = { subject: 1, answers: { satisfaction: 4, fit: 9 } }
    const wrong = await post(sheet)
    assert.equal(wrong.statusCode, 400)
    assert.match(wrong.json().error, /^subject 1, fit: must be .* 1 to 5, got 9$/)
    assert.equal((await post({ subject: 8, answers: { fit: 1 } })).statusCode, 400)
    assert.equal((await post(sheet, { ...SAME, origin: "http://evil.example" })).statusCode, 403)
    assert.deepEqual(await study.store.surveys.current(), [])
    assert.equal((await post({ subject: 1, answers: { satisfaction: 4, fit: 5 } })).statusCode, 200)
    const { subjects } = (await app.inject({ url: "/api/survey" })).json()
    assert.deepEqual(subjects[0].answers, { satisfaction: 4, fit: 5 })
    await app.close()
    const reading = buildServer(common)
    const answer = await reading.inject({ method: "POST", url: "/api/survey", headers: SAME, payload: sheet })
    assert.equal(answer.statusCode, 403)
    await reading.close()
  }))
