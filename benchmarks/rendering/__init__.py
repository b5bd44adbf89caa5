"""From a report to tables, Markdown, HTML and plots."""
