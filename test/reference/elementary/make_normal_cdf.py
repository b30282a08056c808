"""log of the standard normal distribution function at doubles, by mpmath with 40 digits.

python3 make_normal_cdf.py > normal-cdf.json
Each entry: [z, nearest double]. Points on both sides of every eighth, where intervals of a table may meet.
"""

import json
import random

from mpmath import erfc, log, log1p, mp, mpf, sqrt

mp.dps = 40
rng = random.Random(20261123)


def log_cdf(z):
    z = mpf(z)
    tail = erfc(abs(z) / sqrt(mpf(2))) / 2
    return float(log(tail) if z < 0 else log1p(-tail))


points = [rng.uniform(-45, 12) for _ in range(500)] + [rng.uniform(12, 37) for _ in range(60)]
points += [rng.uniform(-3, 3) for _ in range(300)] + [rng.choice((-1, 1)) * 10 ** rng.uniform(-12, -1) for _ in range(60)]
for eighth in range(-320, 101):
    z = eighth / 8
    points += [z, z - 1e-9] if eighth % 4 else [z, z - 2.0**-40]
print(json.dumps([[z, log_cdf(z)] for z in points]))
