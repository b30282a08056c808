// Run as a program by store.test.ts: commits contacts of three records each to the database named first,
// starting with the sequence named second, and writes the acknowledged sequence after each, until it is killed.

import { openStore } from "../../../host/store/store.js"
import { contactOf } from "./contract.js"

const [path, first] = process.argv.slice(2)
const store = await openStore(path)
const device = "00000000000000aa"
if ((await store.songs.count()) === 0) {
  const text = { source: "1", title: "", artist: "", genre: "" }
  await store.songs.put([{ id: 1, lengthMs: 60000, attributes: {}, ...text }])
  await store.subjects.enrol({
    subject: 1,
    label: "",
    arm: "model",
    device,
    key: new Uint8Array(32),
    at: 1,
  })
}
for (let sequence = Number(first); ; sequence += 3) {
  const contact = contactOf({ boot: 1, counter: sequence }, [sequence, sequence + 1, sequence + 2])
  const outcome = await store.syncs.commit(contact)
  if (outcome.replay) throw new Error(`sequence ${sequence} is a replay`)
  process.stdout.write(`${outcome.ackedTo}\n`)
}
