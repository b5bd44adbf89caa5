"""Suites that try to break Temper, each with a planted fault that it must notice, and their report."""
