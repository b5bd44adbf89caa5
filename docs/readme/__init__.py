"""The parts of README.md that are made from results and pages."""
