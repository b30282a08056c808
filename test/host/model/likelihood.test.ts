import assert from "node:assert/strict"
import { test } from "node:test"
import { addLogLikelihood, logDensity, logSurvival } from "../../../host/model/likelihood.js"
import { near, observationsOf, particlesFrom, readReference } from "./reference.js"

test("the log likelihood at the maximum of R's survreg is the one R prints", () => {
  for (const [key, fit] of Object.entries<any>(readReference("survreg.json"))) {
    if (key === "meta") continue
    const observations = observationsOf(Number(key[7]), "12")
    const at = (coef: number[], scale: number): number => {
      const out = new Float64Array(1)
      addLogLikelihood(particlesFrom([coef], [scale * scale]), observations, 0, observations.n, out)
      return out[0]
    }
    near(at(fit.coef, fit.scale), fit.loglik_gaussian, 1e-6, key)
    for (const step of [0.98, 1.02]) assert.ok(at(fit.coef, fit.scale * step) < fit.loglik_gaussian, key)
  }
})

test("the log likelihood of 500 plays at the truth is numpy's", () => {
  const reference = readReference("particles.json")
  for (let subject = 1; subject <= 5; subject++) {
    const observations = observationsOf(subject, "1")
    const out = new Float64Array(1)
    addLogLikelihood(
      particlesFrom([reference.truth.beta[subject - 1]], [0.25]),
      observations,
      0,
      observations.n,
      out,
    )
    near(out[0], reference[`s${subject}`].loglik_at_truth_block1, 1e-9, `subject ${subject}`)
  }
})

test("density and survival belong together: −dS/dy = f", () => {
  const h = 1e-5
  for (const y of [-2, 0.3, 1.7]) {
    const slope = (Math.exp(logSurvival(y - h, 0.5, 0.8)) - Math.exp(logSurvival(y + h, 0.5, 0.8))) / (2 * h)
    near(slope, Math.exp(logDensity(y, 0.5, 0.8)), 1e-9, `f(${y})`)
  }
})
