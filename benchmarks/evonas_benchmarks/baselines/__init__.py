"""Methods that only a benchmark needs: what a method has to beat, and what shows how it can be led astray.

Random and local search stood here once; by these names they also take what they took then: an encoding and objectives.
"""

from evonas.core.moved import moved, of_encoding

__getattr__ = moved(
    __name__,
    "evonas.search.baselines",
    dict.fromkeys(("RandomSearch", "LocalSearch"), of_encoding),
    EarlierMean="evonas_benchmarks.baselines.earlier_mean:EarlierMean",
)
