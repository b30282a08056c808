// Posts once per server behaviour of the test and says what came of it.

import * as ds from "@devicescript/core"
import { parseAddress, post } from "../../../src/http"

const ADDRESSES = [
  "http://10.0.0.5:8137",
  "http://laptop.local",
  "http://10.0.0.5:8137/",
  "https://10.0.0.5",
  "http://",
  "http://:80",
  "http://10.0.0.5:0",
  "http://10.0.0.5:65536",
  "http://10.0.0.5:8x",
  "http://10.0.0.5/path",
  "10.0.0.5:80",
]

async function main(): Promise<void> {
  for (const text of ADDRESSES) {
    const address = parseAddress(text)
    console.log("ADDRESS " + text + " " + (address ? address.host + " " + address.port : "none"))
  }
  const salt = Buffer.from("salt")
  const sealed = Buffer.alloc(1500)
  for (let i = 0; i < sealed.length; i++) {
    sealed[i] = i % 251
    if (i % 500 === 0) await ds.sleep(1)
  }
  for (let i = 0; i < 15; i++) {
    const began = ds.millis()
    let result = ""
    try {
      const reply = await post({ host: "10.0.0.5", port: 80 }, "/x", salt, sealed, 2000, 4000)
      result = reply.status + " " + reply.body.length + " " + reply.body.slice(0, 4).toString("hex")
    } catch (e: any) {
      result = "error " + e.message
    }
    console.log("RESULT " + i + " " + result + " in " + (ds.millis() - began))
    await ds.sleep(20)
  }
  console.log("END")
}

main.start()
