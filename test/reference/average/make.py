# Known answers for stacking and for the song constants.  python3 make.py
import json, sys
import numpy, scipy
from numpy.random import default_rng
from scipy.optimize import minimize
from scipy.special import log_ndtr, logsumexp
from scipy.stats import truncnorm

meta = {"numpy": numpy.__version__, "scipy": scipy.__version__, "python": sys.version.split()[0]}
r = default_rng(20240611)


def stack(lp):
    """Weights over the rows of lp (models x plays) that maximise the mean log mixture density: SLSQP, many starts."""
    models = lp.shape[0]
    f = lambda w: -float(numpy.mean(logsumexp(lp + numpy.log(numpy.maximum(w, 1e-300))[:, None], axis=0)))
    best = None
    for start in [numpy.full(models, 1 / models)] + [r.dirichlet(numpy.ones(models)) for _ in range(20)]:
        found = minimize(f, start, method="SLSQP", bounds=[(0, 1)] * models, options={"ftol": 1e-15, "maxiter": 2000},
                         constraints={"type": "eq", "fun": lambda w: w.sum() - 1})
        if best is None or found.fun < best.fun:
            best = found
    return best.x, -best.fun


cases = []
for models, plays, spread in [(2, 9, 1.0), (4, 15, 0.8), (6, 40, 0.5), (6, 6, 2.0)]:
    z = r.normal(0, 1, plays)
    mu, slope = r.normal(0, spread, models), r.normal(0, spread, models)
    at = numpy.sin(numpy.arange(plays))
    lp = numpy.round(-0.5 * (z - mu[:, None] - slope[:, None] * at) ** 2 - 0.9189385332046727, 6)
    w, score = stack(lp)
    cases.append({"pointwise": lp.tolist(), "weights": w.tolist(), "score": score})
json.dump({"meta": meta, "cases": cases}, open("stacking.json", "w"))

# Song constants: y = delta_song + sigma eps, delta ~ N(mean y, s2y), sigma2 ~ IG(5/2, 5/2 s2y), right-censored plays.
songs, n, sigma = 8, 120, 0.7
delta = r.normal(4.2, 0.6, songs)
song = r.integers(0, songs, n)
song[:songs] = numpy.arange(songs)
z = delta[song] + sigma * r.standard_normal(n)
bound = r.choice([4.4, 4.8, 5.2], n)
c = z > bound
y = numpy.round(numpy.minimum(z, bound), 6)
m0, s2 = y.mean(), y.var(ddof=1)


def gibbs(seed, sweeps, burn):
    g = default_rng(seed)
    d, v, lat, out = numpy.full(songs, m0), s2, y.copy(), []
    for t in range(sweeps + burn):
        mu, sd = d[song[c]], numpy.sqrt(v)
        lat[c] = mu + sd * truncnorm.rvs((y[c] - mu) / sd, numpy.inf, random_state=g)
        count = numpy.bincount(song, minlength=songs)
        prec = count / v + 1 / s2
        d = (numpy.bincount(song, weights=lat, minlength=songs) / v + m0 / s2) / prec + g.standard_normal(songs) / numpy.sqrt(prec)
        v = (2.5 * s2 + 0.5 * ((lat - d[song]) ** 2).sum()) / g.gamma(2.5 + n / 2)
        if t >= burn:
            out.append(numpy.append(d, v))
    return numpy.array(out)


def grid():
    """The same posterior without sampling: given sigma, the songs are independent; both on grids."""
    logs = numpy.linspace(numpy.log(0.35), numpy.log(1.4), 241)
    ds = numpy.linspace(1.5, 8, 1301)
    logpost, means, seconds = [], [], []
    for ls in logs:
        sd = numpy.exp(ls)
        total, mean, second = -5 * ls - 2.5 * s2 / sd**2, [], []
        for j in range(songs):
            own = song == j
            u = (y[own][:, None] - ds) / sd
            ll = numpy.where(c[own][:, None], log_ndtr(-u), -0.5 * u * u - numpy.log(sd)).sum(0) - 0.5 * (ds - m0) ** 2 / s2
            z0 = logsumexp(ll)
            p = numpy.exp(ll - z0)
            total += z0
            mean.append((p * ds).sum())
            second.append((p * ds * ds).sum())
        logpost.append(total)
        means.append(mean)
        seconds.append(second)
    # IG(a, b) on sigma2 has density sigma2^(-a-1); on log sigma the Jacobian 2 sigma2 leaves sigma^(-2a) = -5 log sigma.
    p = numpy.exp(numpy.array(logpost) - logsumexp(logpost))
    mean = p @ numpy.array(means)
    return mean, numpy.sqrt(p @ numpy.array(seconds) - mean**2), float(p @ numpy.exp(2 * logs))


draws = gibbs(7, 40000, 1000)
mean, sd, sigma2 = grid()
json.dump({"meta": meta, "song": song.tolist(), "y": y.tolist(), "censored": c.astype(int).tolist(),
           "grid": {"mean": mean.tolist(), "sd": sd.tolist(), "sigma2": sigma2},
           "gibbs": {"mean": draws[:, :songs].mean(0).tolist(), "sd": draws[:, :songs].std(0).tolist(), "sigma2": float(draws[:, songs].mean())}},
          open("aggregate.json", "w"))
print(cases[1]["weights"], c.mean())
print(numpy.abs(mean - draws[:, :songs].mean(0)).max(), numpy.abs(sd - draws[:, :songs].std(0)).max(), sigma2, draws[:, songs].mean())
