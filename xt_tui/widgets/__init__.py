"""Parts that know nothing of XT: a table, a chart, a view of text."""
