"""The report of a run: one HTML file that opens without a network."""

from evonas.report.page import figure, write_report

__all__ = ["figure", "write_report"]
