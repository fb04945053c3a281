"""The charts of manifests/, rendered by helm."""
