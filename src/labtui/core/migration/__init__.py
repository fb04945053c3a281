"""The engine that migrates a stack: journaled, fenced, resumable after any crash, reversible at any step."""
