"""What was measured, laid out as sections of the report."""
