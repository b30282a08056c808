// The survey: who has answered what, and a sheet to enter what a listener answers.

import { useState } from "preact/hooks"
import { answerSurvey, type Question, type SurveyState } from "./api"
import { count } from "./format"
import { Scroll } from "./scroll"

export function Survey({ state, actions }: { state: SurveyState; actions: boolean }) {
  const { questions, subjects } = state
  return (
    <>
      <section aria-labelledby="survey">
        <h2 id="survey">Survey</h2>
        {subjects.length === 0 ? (
          <p class="empty">
            Nobody is enrolled. Next: <code>fieldtune enrol 1 --device ID</code>
          </p>
        ) : actions ? (
          <Sheet state={state} />
        ) : (
          <p class="empty">
            Answers come by <code>fieldtune survey import FILE.csv</code>, or here where{" "}
            <code>fieldtune serve --actions</code> lets the page act.
          </p>
        )}
      </section>
      <section aria-labelledby="answers">
        <h2 id="answers">Answers</h2>
        <Scroll label="Table of answers">
          <table>
            <thead>
              <tr>
                <th scope="col">Question</th>
                {subjects.map(({ subject }) => (
                  <th key={subject} scope="col" class="n">
                    {subject}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {questions.map(({ id, text }) => (
                <tr key={id}>
                  <th scope="row">
                    {id}
                    <small>{text}</small>
                  </th>
                  {subjects.map(({ subject, answers }) => (
                    <td key={subject} class="n">
                      {answers[id] ?? "–"}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
        <p class="fine">
          How answers go with listening: <code>fieldtune survey correlate</code>
        </p>
      </section>
    </>
  )
}

function Sheet({ state: { questions, subjects } }: { state: SurveyState }) {
  const [subject, setSubject] = useState(subjects[0].subject)
  const [given, setGiven] = useState<Record<string, string>>({})
  const [said, setSaid] = useState("")
  const before = subjects.find((one) => one.subject === subject)?.answers ?? {}
  const save = async (event: Event) => {
    event.preventDefault()
    const answers: Record<string, number | string> = {}
    for (const { id, kind } of questions) {
      const text = (given[id] ?? "").trim()
      if (text !== "") answers[id] = kind === "choice" || kind === "text" ? text : Number(text)
    }
    if (Object.keys(answers).length === 0) {
      setSaid("Nothing was answered yet.")
      return
    }
    const wrong = await answerSurvey(subject, answers)
    setSaid(wrong ?? `${count(Object.keys(answers).length, "answer")} of subject ${subject} kept.`)
    if (wrong === undefined) setGiven({})
  }
  return (
    <form onSubmit={save}>
      <p>
        <label for="who">Listener</label>{" "}
        <select id="who" value={subject} onChange={(event) => setSubject(Number(event.currentTarget.value))}>
          {subjects.map((one) => (
            <option key={one.subject} value={one.subject}>
              {one.subject} ({Object.keys(one.answers).length} of {questions.length} answered)
            </option>
          ))}
        </select>
      </p>
      {questions.map((question) => (
        <p key={question.id}>
          <label for={`q-${question.id}`}>{question.text}</label>
          <small>
            {hint(question)}
            {before[question.id] !== undefined && `; so far ${before[question.id]}, which an answer replaces`}
          </small>
          <Answer
            question={question}
            value={given[question.id] ?? ""}
            change={(value) => setGiven({ ...given, [question.id]: value })}
          />
        </p>
      ))}
      <button type="submit" class="act">
        Keep these answers
      </button>{" "}
      <span aria-live="polite">{said}</span>
    </form>
  )
}

function hint({ kind, points = 5, ends, currency = "USD" }: Question): string {
  if (kind === "likert") return `1 (${ends?.[0] ?? "lowest"}) to ${points} (${ends?.[1] ?? "highest"})`
  if (kind === "amount") return `in ${currency}`
  return kind === "number" ? "a number" : kind === "choice" ? "one of these" : "in words"
}

interface AnswerProps {
  question: Question
  value: string
  change(value: string): void
}

function Answer({ question: { id, kind, points = 5, options = [] }, value, change }: AnswerProps) {
  const name = `q-${id}`
  if (kind === "likert" || kind === "choice") {
    const choices = kind === "choice" ? options : Array.from({ length: points }, (_, i) => String(i + 1))
    return (
      <select id={name} value={value} onChange={(event) => change(event.currentTarget.value)}>
        <option value="">no answer</option>
        {choices.map((choice) => (
          <option key={choice} value={choice}>
            {choice}
          </option>
        ))}
      </select>
    )
  }
  if (kind === "text") {
    return (
      <textarea id={name} rows={2} value={value} onInput={(event) => change(event.currentTarget.value)} />
    )
  }
  return (
    <input
      id={name}
      type="number"
      step="any"
      value={value}
      onInput={(event) => change(event.currentTarget.value)}
    />
  )
}
