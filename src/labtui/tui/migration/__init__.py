"""Migrations on the screen: what is known of them, how they are begun, what they look like."""
