// fieldtune sync --serial as a process, over a loopback port that serves the bus as the development server does; on
// the bus is the firmware in its VM, whose clock keeps pace with the machine's.

import assert from "node:assert/strict"
import { once } from "node:events"
import { createServer, type Socket } from "node:net"
import { join } from "node:path"
import { test } from "node:test"
import { initStudy } from "../../../host/study/study.js"
import { type Finished, fieldtune } from "../cli/run.js"
import { addSongs, withFolder } from "../study/folder.js"
import { Bench } from "./bench.js"

const KEY = new Uint8Array(32).map((_, i) => 3 * i + 1)
const DEVICE = "12abdd2289421234"
const STEP_MS = 20

/** A bus with a port. */
class Port {
  readonly server = createServer((socket) => this.serve(socket))
  private readonly sockets = new Set<Socket>()
  private pace: NodeJS.Timeout | undefined

  constructor(private readonly bench: Bench) {}

  async open(): Promise<string> {
    this.server.listen(0, "127.0.0.1")
    await once(this.server, "listening")
    const { port } = this.server.address() as { port: number }
    return `127.0.0.1:${port}`
  }

  /** Lets the boards' time run with the machine's. */
  run(since = Date.now()): void {
    this.pace = setTimeout(async () => {
      const now = Date.now()
      await this.bench.clock.advance(now - since)
      if (this.pace !== undefined) this.run(now)
    }, STEP_MS)
  }

  halt(): void {
    clearTimeout(this.pace)
    this.pace = undefined
  }

  /** Ends the connections that there are. */
  drop(): void {
    for (const socket of this.sockets) socket.destroy()
  }

  close(): void {
    this.halt()
    this.drop()
    this.server.close()
  }

  private serve(socket: Socket): void {
    this.sockets.add(socket)
    const detach = this.bench.attach((frame) => {
      if (frame.length < 255) socket.write(Buffer.concat([Uint8Array.of(frame.length), frame]))
    })
    let rest = Buffer.alloc(0)
    socket.on("data", (data) => {
      rest = Buffer.concat([rest, data])
      while (rest.length > 0 && rest.length > rest[0]) {
        this.bench.send(new Uint8Array(rest.subarray(1, 1 + rest[0])))
        rest = rest.subarray(1 + rest[0])
      }
    })
    socket.on("error", () => {})
    socket.on("close", () => {
      this.sockets.delete(socket)
      detach()
    })
  }
}

const NOTHING = { code: 2, stdout: "" }
const partOf = ({ code, stdout }: Finished): object => ({ code, stdout })

test("a study, a board without a network and the command: playlist there, listens back, exit codes", () =>
  withFolder(async (dir) => {
    const folder = join(dir, "study")
    const study = await initStudy(folder)
    await addSongs(study, 40)
    const bench = new Bench(study, 1)
    const board = await bench.board(2, DEVICE, KEY)
    await bench.publish(2, [1, 2, 3, 4, 5])
    const port = new Port(bench)
    const address = await port.open()
    const sync = async (...args: string[]): Promise<Finished> => {
      port.run()
      try {
        return await fieldtune(["sync", "--serial", "--port", address, "--study", folder, ...args], dir)
      } finally {
        port.halt()
      }
    }
    try {
      const first = await sync("--json")
      assert.deepEqual(first, {
        code: 0,
        stdout: `${JSON.stringify({
          boards: [
            {
              ...{ device: DEVICE, plays: 0, exchanges: 2, list: 1, next: 0 },
              ...{ outcome: "synced", code: null, reason: null },
            },
          ],
        })}\n`,
        stderr: "",
      })

      await board.press("play")
      await bench.clock.advance(1000)
      await bench.skip(board, 150)
      const second = await sync("--device", DEVICE)
      assert.equal(second.code, 0)
      assert.match(second.stdout, new RegExp(`${DEVICE} +subject 2 +150 +\\d+ +1 +- +synced\\n`))
      assert.match(second.stdout, /Next: fieldtune round/)
      assert.match(second.stderr, new RegExp(`^${DEVICE} \\(subject 2\\): on the bus\\n`))
      assert.match(second.stderr, new RegExp(`${DEVICE} \\(subject 2\\): 120 new plays in 1 exchange\\n`))
      const stored = await study.store.plays.of(2)
      assert.deepEqual(
        stored.map((play) => play.sequence).sort((a, b) => a - b),
        Array.from({ length: 150 }, (_, i) => i + 1),
      )

      // A board that this study does not know.
      bench.unplugged.add(board)
      const stranger = "77abdd2289421236"
      await bench.start(stranger, KEY)
      const refused = await sync()
      assert.equal(refused.code, 1)
      assert.match(refused.stdout, new RegExp(`! ${stranger}: the study does not know it: fieldtune enrol N`))

      // Its board does not come although another one is there.
      const missing = await sync("--device", DEVICE, "--wait", "1")
      assert.deepEqual(partOf(missing), NOTHING)
      assert.match(missing.stderr, new RegExp(`^fieldtune: sync: board ${DEVICE} did not come in 1 s;.*\\n$`))

      // The server ends while the command waits.
      const ending = sync("--watch")
      await once(port.server, "connection")
      port.drop()
      const ended = await ending
      assert.deepEqual(partOf(ended), NOTHING)
      assert.match(ended.stderr, /fieldtune: --port: .*: the server has closed the connection; .*\n$/)
    } finally {
      port.close()
      await study.close()
    }
  }))

test("what is wrong before anything is opened is one line and exit code 2", () =>
  withFolder(async (dir) => {
    const folder = join(dir, "study")
    await (await initStudy(folder)).close()
    const cases: [string[], RegExp][] = [
      [[], /^fieldtune: sync: --serial is needed;/],
      [["--serial", "--device", "12ab"], /^fieldtune: --device: must be 16 hexadecimal digits, got 12ab\n$/],
      [
        ["--serial", "--device", DEVICE.toUpperCase()],
        new RegExp(
          `^fieldtune: --device: the study has no board ${DEVICE}: fieldtune enrol N --device ${DEVICE}\n$`,
        ),
      ],
      [
        ["--serial", "--port", "8082"],
        /^fieldtune: --port: 8082: must be HOST:PORT, such as 127\.0\.0\.1:8082\n$/,
      ],
      // Port 1 belongs to a service that no machine runs.
      [
        ["--serial", "--port", "127.0.0.1:1"],
        /^fieldtune: --port: 127\.0\.0\.1:1: nothing listens there; .*: npx devs devtools\n$/,
      ],
    ]
    for (const [args, message] of cases) {
      const finished = await fieldtune(["sync", "--study", folder, ...args], dir)
      assert.deepEqual(partOf(finished), NOTHING)
      assert.match(finished.stderr, message)
    }
  }))
