"""One report as a terminal table, Markdown, a web page and plots."""
