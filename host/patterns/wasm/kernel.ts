// The products of dictionary learning in AssemblyScript, two numbers at a time. Every sum has the order of the plain
// version (products.ts), even and odd places apart, so both give the same bits; products.test.ts holds them together.
// Matrices are rows of doubles in linear memory; places are byte offsets.

/** out[i][k] = Σ a[i][j]·b[k][j] */
export function products(rows: i32, others: i32, columns: i32, a: usize, b: usize, out: usize): void {
  const stride = <usize>columns << 3
  const even = <usize>(columns & ~1) << 3
  const fours = others & ~3
  let i = 0
  for (; i + 1 < rows; i += 2) {
    const a0 = a + <usize>i * stride
    const a1 = a0 + stride
    for (let k = 0; k < fours; k += 4) {
      const b0 = b + <usize>k * stride
      const b1 = b0 + stride
      const b2 = b1 + stride
      const b3 = b2 + stride
      let s00 = f64x2.splat(0)
      let s01 = f64x2.splat(0)
      let s02 = f64x2.splat(0)
      let s03 = f64x2.splat(0)
      let s10 = f64x2.splat(0)
      let s11 = f64x2.splat(0)
      let s12 = f64x2.splat(0)
      let s13 = f64x2.splat(0)
      for (let at: usize = 0; at < even; at += 16) {
        const x0 = v128.load(a0 + at)
        const x1 = v128.load(a1 + at)
        const y0 = v128.load(b0 + at)
        const y1 = v128.load(b1 + at)
        const y2 = v128.load(b2 + at)
        const y3 = v128.load(b3 + at)
        s00 = f64x2.add(s00, f64x2.mul(x0, y0))
        s01 = f64x2.add(s01, f64x2.mul(x0, y1))
        s02 = f64x2.add(s02, f64x2.mul(x0, y2))
        s03 = f64x2.add(s03, f64x2.mul(x0, y3))
        s10 = f64x2.add(s10, f64x2.mul(x1, y0))
        s11 = f64x2.add(s11, f64x2.mul(x1, y1))
        s12 = f64x2.add(s12, f64x2.mul(x1, y2))
        s13 = f64x2.add(s13, f64x2.mul(x1, y3))
      }
      const to0 = out + (<usize>(i * others + k) << 3)
      const to1 = to0 + (<usize>others << 3)
      keep(s00, a0, b0, even, stride, to0)
      keep(s01, a0, b1, even, stride, to0 + 8)
      keep(s02, a0, b2, even, stride, to0 + 16)
      keep(s03, a0, b3, even, stride, to0 + 24)
      keep(s10, a1, b0, even, stride, to1)
      keep(s11, a1, b1, even, stride, to1 + 8)
      keep(s12, a1, b2, even, stride, to1 + 16)
      keep(s13, a1, b3, even, stride, to1 + 24)
    }
    for (let k = fours; k < others; k++) {
      const own = b + <usize>k * stride
      const to = out + (<usize>(i * others + k) << 3)
      one(a0, own, even, stride, to)
      one(a1, own, even, stride, to + (<usize>others << 3))
    }
  }
  for (; i < rows; i++) {
    for (let k = 0; k < others; k++) {
      one(a + <usize>i * stride, b + <usize>k * stride, even, stride, out + (<usize>(i * others + k) << 3))
    }
  }
}

@inline
function one(a: usize, b: usize, even: usize, stride: usize, to: usize): void {
  let sum = f64x2.splat(0)
  for (let at: usize = 0; at < even; at += 16) {
    sum = f64x2.add(sum, f64x2.mul(v128.load(a + at), v128.load(b + at)))
  }
  keep(sum, a, b, even, stride, to)
}

/** Both lanes, and what an odd number of columns leaves over. */
@inline
function keep(sum: v128, a: usize, b: usize, even: usize, stride: usize, to: usize): void {
  let all = f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1)
  if (even < stride) all += load<f64>(a + even) * load<f64>(b + even)
  store<f64>(to, all)
}

/** sums[k] += Σ codes[i][k]·x[i], over the rows in order; codes of 0 are passed over. */
export function accumulate(rows: i32, atoms: i32, columns: i32, codes: usize, x: usize, sums: usize): void {
  const stride = <usize>columns << 3
  const even = <usize>(columns & ~1) << 3
  for (let i = 0; i < rows; i++) {
    const from = x + <usize>i * stride
    for (let k = 0; k < atoms; k++) {
      const code = load<f64>(codes + (<usize>(i * atoms + k) << 3))
      if (code === 0) continue
      const to = sums + <usize>k * stride
      const both = f64x2.splat(code)
      for (let at: usize = 0; at < even; at += 16) {
        v128.store(to + at, f64x2.add(v128.load(to + at), f64x2.mul(both, v128.load(from + at))))
      }
      if (even < stride) store<f64>(to + even, load<f64>(to + even) + code * load<f64>(from + even))
    }
  }
}
