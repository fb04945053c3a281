"""The headless core: what is known (inventory), who keeps it fresh (feeds), what is being done (executor), what was done (audit)."""
