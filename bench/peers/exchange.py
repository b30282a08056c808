"""Modified Fedorov exchange in numpy: each song of the design in turn for the best of all, until a sweep brings nothing."""

import json
import sys
import time

import numpy as np

given = json.load(open(sys.argv[1]))
utility, weight = np.array(given["utility"]), given["lambda"]
A = np.array(given["rows"]).reshape(len(utility), -1)
R = np.array(given["precision"]).reshape(A.shape[1], -1)


def exchange():
    members = list(given["start"])
    outside = np.ones(len(utility), bool)
    outside[members] = False
    V = np.linalg.inv(R + A[members].T @ A[members])
    while True:
        changed = False
        for slot in range(len(members)):
            i = members[slot]
            AV = A @ V
            d = (AV * A).sum(1)
            cross = AV @ A[i]
            gain = utility - utility[i] + weight * np.log((1 + d) * (1 - d[i]) + cross**2)
            gain[~outside] = -np.inf
            best = int(np.argmax(gain))
            if gain[best] > 1e-9:
                outside[i], outside[best], members[slot] = True, False, best
                V = np.linalg.inv(R + A[members].T @ A[members])
                changed = True
        if not changed:
            return members


times = []
for _ in range(7):
    start = time.perf_counter()
    found = exchange()
    times.append(1000 * (time.perf_counter() - start))
print(json.dumps({"ms": float(np.median(times)), "members": found}))
