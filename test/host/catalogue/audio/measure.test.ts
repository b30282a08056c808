// The measures on signals whose values are known: the EBU's test signals, sines, clicks, noise.

import assert from "node:assert/strict"
import { test } from "node:test"
import { LoudnessMeter } from "../../../../host/catalogue/audio/loudness.js"
import { Spectrum } from "../../../../host/catalogue/audio/spectrum.js"
import { type Tempo, tempoOf } from "../../../../host/catalogue/audio/tempo.js"
import { stream } from "../../../../host/model/random.js"

/** A sine of 1,000 Hz in pieces of (dB of full scale, seconds). */
function sines(rate: number, pieces: readonly (readonly [number, number])[]): Float32Array {
  const samples: number[] = []
  for (const [level, seconds] of pieces) {
    const from = samples.length
    for (let i = 0; i < seconds * rate; i++) {
      samples.push(10 ** (level / 20) * Math.sin((2 * Math.PI * 1000 * (from + i)) / rate))
    }
  }
  return Float32Array.from(samples)
}

function meter(rate: number, pieces: readonly (readonly [number, number])[]): LoudnessMeter {
  const loudness = new LoudnessMeter(rate)
  const x = sines(rate, pieces)
  loudness.take(x, x)
  return loudness
}

// EBU Tech 3341 (2016), table 1, cases 1 to 5; each must be met within 0.1 LU.
const LOUDNESS: readonly (readonly [number, readonly (readonly [number, number])[]])[] = [
  [-23, [[-23, 20]]],
  [-33, [[-33, 20]]],
  [
    -23,
    [
      [-36, 10],
      [-23, 60],
      [-36, 10],
    ],
  ],
  [
    -23,
    [
      [-72, 10],
      [-36, 10],
      [-23, 60],
      [-36, 10],
      [-72, 10],
    ],
  ],
  [
    -23,
    [
      [-26, 20],
      [-20, 20.1],
      [-26, 20],
    ],
  ],
]
for (const [i, [truth, pieces]] of LOUDNESS.entries()) {
  for (const rate of [48_000, 22_050]) {
    test(`EBU Tech 3341 case ${i + 1} at ${rate} Hz: ${truth} LUFS`, () => {
      const measured = meter(rate, pieces).integrated() ?? Number.NaN
      assert.ok(Math.abs(measured - truth) <= 0.1, `${measured}`)
    })
  }
}

// EBU Tech 3342 (2016), table 1, cases 1 to 4; each must be met within 1 LU.
const RANGE: readonly (readonly [number, readonly (readonly [number, number])[]])[] = [
  [
    10,
    [
      [-20, 20],
      [-30, 20],
    ],
  ],
  [
    5,
    [
      [-20, 20],
      [-15, 20],
    ],
  ],
  [
    20,
    [
      [-40, 20],
      [-20, 20],
    ],
  ],
  [
    15,
    [
      [-50, 20],
      [-35, 20],
      [-20, 20],
      [-35, 20],
      [-50, 20],
    ],
  ],
]
for (const [i, [truth, pieces]] of RANGE.entries()) {
  test(`EBU Tech 3342 case ${i + 1}: ${truth} LU`, () => {
    const measured = meter(48_000, pieces).range() ?? Number.NaN
    assert.ok(Math.abs(measured - truth) <= 1, `${measured}`)
  })
}

test("silence has no loudness, and less than three seconds no range", () => {
  assert.equal(meter(48_000, [[-90, 5]]).integrated(), undefined)
  assert.equal(meter(48_000, [[-20, 2]]).range(), undefined)
})

test("the brightness of a sine is its frequency, of two that are alike the middle, of white noise half the band", () => {
  const rate = 44_100
  const random = stream(1, "noise")
  const brightness = (sample: (i: number) => number): number => {
    const spectrum = new Spectrum(rate)
    const x = Float32Array.from({ length: 5 * rate }, (_, i) => sample(i))
    spectrum.take(x, x)
    return spectrum.brightness() ?? Number.NaN
  }
  const sine = (hz: number, i: number): number => 0.3 * Math.sin((2 * Math.PI * hz * i) / rate)
  assert.ok(Math.abs(brightness((i) => sine(3000, i)) - 3000) < 15)
  assert.ok(Math.abs(brightness((i) => sine(2000, i) + sine(6000, i)) - 4000) < 20)
  assert.ok(Math.abs(brightness(() => random.uniform() - 0.5) - rate / 4) < 100)
})

test("blocks of any size give the same measures", () => {
  const x = sines(22_050, [
    [-20, 3],
    [-30, 4],
  ])
  const whole = new Spectrum(22_050)
  whole.take(x, x)
  const parts = new Spectrum(22_050)
  for (let at = 0; at < x.length; at += 777) {
    parts.take(x.subarray(at, at + 777), x.subarray(at, at + 777))
  }
  assert.equal(parts.brightness(), whole.brightness())
  assert.deepEqual(parts.onsets(), whole.onsets())
})

function tempo(bpm: number, seconds: number, seed: number): Tempo | undefined {
  const rate = 22_050
  const random = stream(seed, "clicks")
  const period = (60 / bpm) * rate
  const x = Float32Array.from({ length: seconds * rate }, (_, i) => {
    const since = i % period
    // A decaying tone on every beat, a softer one between them, and noise.
    const beat = 0.5 * Math.exp(-since / 600) * Math.sin(0.05 * since)
    const off = (since + period / 2) % period
    return beat + 0.15 * Math.exp(-off / 300) * Math.sin(0.2 * off) + 0.02 * (random.uniform() - 0.5)
  })
  const spectrum = new Spectrum(rate)
  spectrum.take(x, x)
  return tempoOf(spectrum.onsets(), rate / spectrum.hop)
}

for (const bpm of [72.5, 84, 90, 99, 110, 120, 128, 140, 155]) {
  test(`a beat of ${bpm} per minute is found within half a percent, and clear`, () => {
    const found = tempo(bpm, 40, bpm)
    assert.ok(Math.abs((found?.bpm ?? 0) / bpm - 1) < 0.005, `${found?.bpm}`)
    assert.ok((found?.clarity ?? 0) > 0.5, `${found?.clarity}`)
  })
}

test("noise has no clear beat, silence and a short sound have no tempo", () => {
  const random = stream(7, "noise")
  const spectrum = new Spectrum(22_050)
  const noise = Float32Array.from({ length: 60 * 22_050 }, () => random.uniform() - 0.5)
  spectrum.take(noise, noise)
  const clarity = tempoOf(spectrum.onsets(), 22_050 / spectrum.hop)?.clarity ?? 0
  assert.ok(clarity < 0.1, `${clarity}`)
  assert.equal(tempoOf(new Float64Array(2000), 86), undefined)
  assert.equal(tempo(120, 4, 1), undefined)
})
