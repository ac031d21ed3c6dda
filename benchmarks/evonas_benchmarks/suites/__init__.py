"""What is compared: suites of tasks, methods, seeds and a budget, as data."""

from evonas_benchmarks.suites.suite import Suite, SuiteTask, change, installed, load_suite, make_suite

__all__ = ["Suite", "SuiteTask", "change", "installed", "load_suite", "make_suite"]
