"""A replay as one HTML file that needs nothing else: pictures, every alert with its values, and the very messages."""

from engine.report.writing import write_report

__all__ = ["write_report"]
