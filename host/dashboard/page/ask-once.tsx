// A button for something that changes the study: it asks once, does it, and says what came of it.

import { useRef, useState } from "preact/hooks"
import { type Action, ask } from "./api"

interface AskProps {
  action: Action
  /** On the button. */
  children: string
  /** What will happen, in full. */
  says: string
}

export function AskOnce({ action, children, says }: AskProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [state, setState] = useState<"asking" | "working" | { done: boolean; lines: string[] }>("asking")
  const open = () => {
    setState("asking")
    dialog.current?.showModal()
  }
  const act = async () => {
    setState("working")
    try {
      setState(await ask(action))
    } catch (error) {
      setState({ done: false, lines: [(error as Error).message] })
    }
  }
  const told = typeof state === "object"
  return (
    <>
      <button type="button" class="act" onClick={open}>
        {children}
      </button>
      <dialog ref={dialog} aria-label={children}>
        <p>{told ? (state.done ? "Done." : "This was not done.") : says}</p>
        {told && state.lines.map((line) => <p key={line}>{line}</p>)}
        <div class="choices" aria-live="polite">
          {told ? (
            <button type="button" class="act" onClick={() => dialog.current?.close()}>
              Close
            </button>
          ) : state === "working" ? (
            <p>At work; this may take some minutes …</p>
          ) : (
            <>
              <button type="button" class="act" onClick={act}>
                {children}
              </button>
              <button type="button" onClick={() => dialog.current?.close()}>
                Leave it
              </button>
            </>
          )}
        </div>
      </dialog>
    </>
  )
}
