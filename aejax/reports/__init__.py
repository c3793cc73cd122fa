"""What the test set says of a run: tables, figures and one page."""
