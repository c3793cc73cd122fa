"""Evaluates a run on its test set: tables, figures and one page."""
