"""The report of a run: one HTML file that opens without a network."""

from evonas.report.embed import figure
from evonas.report.page import write_report
from evonas.report.sections import sections

__all__ = ["figure", "sections", "write_report"]
