# Balanced logistic regression and areas under the ROC curve by scikit-learn, on data that is drawn here and rounded:
#   python3 make_logistic.py > logistic.json
import json

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

rng = np.random.default_rng(7)
cases = []
for n, p, c in [(60, 3, 1.0), (80, 10, 0.05), (30, 50, 0.5)]:
    x = np.round(rng.normal(size=(n, p)), 3)
    y = (rng.random(n) < 1 / (1 + np.exp(-(x[:, 0] - 1)))).astype(int)
    fit = LogisticRegression(C=c, class_weight="balanced", solver="newton-cg", tol=1e-12, max_iter=10000).fit(x, y)
    cases.append({"x": x.tolist(), "y": y.tolist(), "c": c, "weights": fit.coef_[0].tolist(), "intercept": fit.intercept_[0]})
areas = []
for n, digits in [(20, 1), (50, 0), (40, 6)]:
    scores = np.round(rng.normal(size=n), digits)
    labels = rng.integers(0, 2, n)
    times = rng.integers(0, 3, n)
    areas.append(
        {
            "scores": scores.tolist(),
            "labels": labels.tolist(),
            "times": times.tolist(),
            "area": roc_auc_score(labels, scores),
            "weighted": roc_auc_score(labels, scores, sample_weight=times),
        }
    )
print(json.dumps({"sklearn": sklearn.__version__, "cases": cases, "areas": areas}))
