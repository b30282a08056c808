"""First-block Gibbs sampler with variable selection in numpy: the algorithm of host/model/sweep.ts without the swap."""

import json
import sys
import time

import numpy as np
from scipy.linalg.lapack import dpotrf, dtrtrs
from scipy.special import ndtr, ndtri

given = json.load(open(sys.argv[1]))
n, p = given["n"], given["p"]
X = np.array(given["x"]).reshape(n, p)
y = np.array(given["y"]) - given["constantMean"]
cut = np.array(given["censored"], bool)
scale, s2y, v, pi = np.array(given["s2x"]), given["s2y"], given["v"], given["pi"]
XtX, Xc, bound = X.T @ X, X[cut], y[cut]
prior_odds = np.log(pi / (1 - pi))


def log_evidence(active, precision, rhs, S):
    index = np.flatnonzero(active)
    M = precision[np.ix_(index, index)].copy()
    M.flat[:: len(index) + 1] += 1 / S[index]
    L, _ = dpotrf(M, lower=1)
    w, _ = dtrtrs(L, rhs[index], lower=1)
    return 0.5 * w @ w - np.log(np.diag(L)).sum() - 0.5 * np.log(S[index]).sum(), index, L, w


def chain(seed):
    rng = np.random.default_rng(seed)
    active, beta, S, s2, z = np.ones(p, bool), np.zeros(p), scale.copy(), s2y, y.copy()
    kept = np.empty((given["draws"], p))
    for sweep in range(given["burnIn"] + given["draws"]):
        sd = np.sqrt(s2)
        mu = Xc @ beta
        z[cut] = mu - sd * ndtri(rng.random(len(bound)) * ndtr((mu - bound) / sd))
        precision, rhs = XtX / s2, X.T @ z / s2
        current = log_evidence(active, precision, rhs, S)[0]
        for q in rng.permutation(np.arange(1, p)):
            flipped = active.copy()
            flipped[q] = not flipped[q]
            other = log_evidence(flipped, precision, rhs, S)[0]
            log_odds = (other - current if flipped[q] else current - other) + prior_odds
            if (rng.random() < 1 / (1 + np.exp(-log_odds))) != active[q]:
                active, current = flipped, other
        _, index, L, w = log_evidence(active, precision, rhs, S)
        draw, _ = dtrtrs(L, w + rng.standard_normal(len(index)), lower=1, trans=1)
        beta = np.zeros(p)
        beta[index] = draw
        S = (0.5 * v * scale + 0.5 * np.where(active, beta * beta, 0)) / rng.gamma(0.5 * v + 0.5 * active)
        residual = z - X @ beta
        s2 = (0.5 * v * s2y + 0.5 * residual @ residual) / rng.gamma(0.5 * (v + n))
        if sweep >= given["burnIn"]:
            kept[sweep - given["burnIn"]] = beta
    return kept


chain(0)
times, draws = [], []
for seed in range(1, 6):
    start = time.perf_counter()
    draws.append(chain(seed))
    times.append(1000 * (time.perf_counter() - start))
draws = np.concatenate(draws)
draws[:, 0] += given["constantMean"]
print(json.dumps({"ms": float(np.median(times)), "mean": draws.mean(0).tolist(), "sd": draws.std(0).tolist()}))
