"""labtui: operate a hybrid homelab from one terminal."""

__version__ = "0.1.0.dev0"
