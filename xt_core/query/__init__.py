"""The report language: run lists, fields, filters, sort orders, columns and plain-text tables.

A report is selected and ordered either in Python, over records, or by SQLite (`sql`): both give
the same answer.
"""
