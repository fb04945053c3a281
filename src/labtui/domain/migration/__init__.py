"""A migration of a stack: its steps, its journal, and what follows from them. Pure; nothing is read or done here."""
