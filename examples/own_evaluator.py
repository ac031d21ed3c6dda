"""Any function is an evaluator: here, macro F1 of scikit-learn's trees. No network, no data of evonas'.

evonas search --evaluator examples/own_evaluator.py:score --encoding examples/own_evaluator.py:Space --objectives f1:max
"""

import tempfile

from sklearn.datasets import load_wine
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import f1_score
from sklearn.model_selection import cross_val_predict

from evonas import search
from evonas.encodings.categorical import CategoricalEncoding


class Space(CategoricalEncoding):
    def __init__(self):
        super().__init__({"trees": (5, 10, 20, 40), "depth": (2, 3, 5, 8), "features": (0.2, 0.5, 1.0)})


def score(candidate, task, seed):
    """Metrics of a genome; `candidate.fidelity` (1 but for halving) is the share of the data that it is shown."""
    trees, depth, features = candidate.genome
    x, y = load_wine(return_X_y=True)
    some = slice(None, None, round(1 / candidate.fidelity))
    model = ExtraTreesClassifier(trees, max_depth=depth, max_features=features, random_state=seed)
    predicted = cross_val_predict(model, x[some], y[some], cv=3)
    return {"f1": f1_score(y[some], predicted, average="macro"), "trees": trees}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as out:
        options = {"objectives": "f1:max", "trials": 6, "out": f"{out}/run", "archive": f"{out}/a.db"}
        print(search(evaluator=score, encoding=Space(), **options)["genome"])
