"""The plans of the reference estate's stacks, as they were read and found right (README.md)."""
