"""A table of attributes with known troubles, and the variance inflation factors that numpy's least squares gives.

    python3 make.py > inflation.json
"""
import json, sys
import numpy as np

rng = np.random.default_rng(5)
n = 80
a, b, c, d, e = rng.normal(size=(5, n))
table = {"a": 120 + 20 * a, "b": 3 * b, "near_a": 0.97 * a + 0.24 * c, "mixed": a + b + 0.8 * e, "free": d}
x = np.stack(list(table.values()), 1)
inflation = {}
for j, name in enumerate(table):
    others = np.column_stack([np.ones(n), np.delete(x, j, 1)])
    y = x[:, j]
    rest = y - others @ np.linalg.lstsq(others, y, rcond=None)[0]
    inflation[name] = float(((y - y.mean()) ** 2).sum() / (rest**2).sum())
json.dump({
    "made with": f"numpy {np.__version__}, Python {sys.version.split()[0]}",
    "table": {name: list(map(float, column)) for name, column in table.items()},
    "inflation": inflation,
    "correlation of a and near_a": float(np.corrcoef(x[:, 0], x[:, 2])[0, 1]),
}, sys.stdout, indent=1)
