"""Series: multivariate time series and other one-dimensional signals of one length, in classes."""

from evonas.domains.series.arrays import series_from_arrays
from evonas.domains.series.dataset import Series, Split

__all__ = ["Series", "Split", "series_from_arrays"]
