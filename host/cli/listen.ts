// Listening for boards and people, and stopping when the person at the terminal says so.

import type { AddressInfo } from "node:net"
import type { FastifyInstance } from "fastify"
import { CommandError } from "./command.js"

/** Starts listening; the URL. A port that can't be had is a mistake of the caller. */
export async function listen(app: FastifyInstance, port: number, host: string): Promise<string> {
  try {
    await app.listen({ port, host })
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === "EADDRINUSE")
      throw new CommandError(`port ${port} of ${host} is in use: --port N`, { cause })
    if (code === "EACCES") throw new CommandError(`port ${port} of ${host} is not allowed`, { cause })
    throw new CommandError(`cannot listen on ${host} port ${port}: ${message}`, { cause })
  }
  const at = app.server.address() as AddressInfo
  return `http://${at.family === "IPv6" ? `[${at.address}]` : at.address}:${at.port}`
}

/** Resolves at the first SIGINT or SIGTERM; another one ends the process at once. */
export function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      process.off("SIGINT", stop)
      process.off("SIGTERM", stop)
      resolve()
    }
    process.on("SIGINT", stop)
    process.on("SIGTERM", stop)
  })
}
