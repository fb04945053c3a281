"""What the screen does for each group of `core.actions`: one module a group, imported when first needed."""
