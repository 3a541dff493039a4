"""Outputs of a run for people and programs: an HTML file, a CSV file, a JSON value.

``write_report(table, facts, panels, path)`` needs the packages of ``ursat[bench]``; the others need nothing.
"""

from ursat.benchmark.report.html import check_packages, write_report
from ursat.benchmark.report.panels import PanelKeeper
from ursat.benchmark.report.plain import to_json, write_csv
from ursat.benchmark.report.summary import definitions

__all__ = ["PanelKeeper", "check_packages", "definitions", "to_json", "write_csv", "write_report"]
