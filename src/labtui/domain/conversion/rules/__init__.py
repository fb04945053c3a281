"""One function a key. `REGISTRY` is the list of them; a key that is not in it is refused, never dropped."""
