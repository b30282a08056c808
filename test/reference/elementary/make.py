"""Values of exp, log, log1p and expm1 to twice the digits of a double, by Python's decimal module (60 digits).

python3 make.py > values.json
Each entry: [x, high, low]: the function at the double x is high + low, high the nearest double.
"""

import json
import random
from decimal import Decimal, getcontext

getcontext().prec = 60
rng = random.Random(20261123)


def entry(x, value):
    high = float(value)
    return [x, high, float(value - Decimal(high))]


def signed(low, high):
    """Doubles of either sign, uniform in the logarithm of their size."""
    return rng.choice((-1, 1)) * 10 ** rng.uniform(low, high)


exp = [rng.uniform(-708, 709) for _ in range(300)] + [signed(-20, 0) for _ in range(200)]
exp += [k * 0.34657359027997264 for k in range(-40, 41)] + [709.782712893383, -708.3964185322641, 1.0, -1.0, 40.0]
log = [10 ** rng.uniform(-307, 308) for _ in range(300)] + [1 + signed(-16, -0.5) for _ in range(200)]
log += [2.0**k for k in range(-1074, 1024, 61)] + [1.4142135623730951, 1.414213562373095, 0.7071067811865476, 5e-324, 1.7e308]
log1p = [signed(-30, -0.01) for _ in range(300)] + [10 ** rng.uniform(-3, 300) for _ in range(100)]
expm1 = [signed(-30, 1.5) for _ in range(400)] + [0.34657359027997264, -0.34657359027997264, 0.3465735902799727, 35.9, -35.9]

print(
    json.dumps(
        {
            "exp": [entry(x, Decimal(x).exp()) for x in exp],
            "log": [entry(x, Decimal(x).ln()) for x in log],
            "log1p": [entry(x, (1 + Decimal(x)).ln()) for x in log1p],
            "expm1": [entry(x, Decimal(x).exp() - 1) for x in expm1],
        }
    )
)
