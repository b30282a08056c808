// A thread that reads audio files: a decoder that fails on a hostile file takes nothing else with it.

import { workerData } from "node:worker_threads"
import { serveThread } from "../../threads.js"
import { AudioError } from "./audio-error.js"
import type { AudioOutcome } from "./folder.js"
import { readAudioFile } from "./read.js"

// The decoders print what they also return.
console.error = () => {}

const paths = workerData as string[]

serveThread(async (index): Promise<AudioOutcome> => {
  try {
    return { audio: await readAudioFile(paths[index]) }
  } catch (error) {
    if (error instanceof AudioError) return { fault: error.fault, message: error.message }
    return { fault: "broken", message: `cannot be read: ${String(error).slice(0, 200)}` }
  }
})
