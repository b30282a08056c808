// Constants that the plain and the SIMD version of exp and log Φ share.
//
// Reduction and minimax coefficients of exp: fdlibm (Sun Microsystems 1993, e_exp).

/** ln 2 as a sum whose first part times any exponent is exact. */
export const LN2_HIGH = 0.6931471803691238
export const LN2_LOW = 1.9082149292705877e-10
// biome-ignore lint/suspicious/noApproximativeNumericConstant: AssemblyScript folds constants only
export const INV_LN2 = 1.4426950408889634

export const EXP_1 = 0.16666666666666602
export const EXP_2 = -0.0027777777777015593
export const EXP_3 = 6.613756321437934e-5
export const EXP_4 = -1.6533902205465252e-6
export const EXP_5 = 4.1381367970572385e-8
