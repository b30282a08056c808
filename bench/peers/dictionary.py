# The same fit in scikit-learn, from the same atoms: the fastest of its ways to code that give exact positive codes.
import json
import sys
import time
import warnings

import numpy as np
from sklearn.decomposition import dict_learning

warnings.filterwarnings("ignore")
given = json.load(open(sys.argv[1]))
x = np.fromfile(given["x"]).reshape(given["rows"], given["columns"])
start = np.fromfile(given["start"]).reshape(given["atoms"], given["columns"])
began = time.perf_counter()
code, atoms, errors, turns = dict_learning(
    x,
    given["atoms"],
    alpha=given["lambda"],
    max_iter=given["iterations"],
    tol=0,
    method="cd",
    dict_init=start,
    code_init=np.zeros((given["rows"], given["atoms"])),
    positive_code=True,
    n_jobs=1,
    random_state=0,
    return_n_iter=True,
)
ms = 1000 * (time.perf_counter() - began)
objective = 0.5 * np.sum((x - code @ atoms) ** 2) + given["lambda"] * np.abs(code).sum()
print(json.dumps({"ms": ms, "objective": objective, "turns": int(turns)}))
