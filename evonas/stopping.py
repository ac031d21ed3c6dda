"""Moved to `evonas.execution.early_stopping`, where the rule is called `LearningCurveRule`."""

from evonas.core.moved import moved

__getattr__ = moved(
    __name__, "evonas.execution.early_stopping", Hopeless="evonas.execution.early_stopping:LearningCurveRule"
)
