"""Moved to `evonas_surrogates.training_data`, where the class is called `TrainingData`."""

from evonas.core.moved import moved

__getattr__ = moved(__name__, "evonas_surrogates.training_data", Source="evonas_surrogates.training_data:TrainingData")
