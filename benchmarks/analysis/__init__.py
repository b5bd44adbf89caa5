"""From samples to statistics: intervals, accuracy, verdicts and the comparison of reports."""
