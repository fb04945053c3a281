"""Whole migrations on live servers, under load: rounds, kills and faults, each a program with a report, and samples as tests."""
