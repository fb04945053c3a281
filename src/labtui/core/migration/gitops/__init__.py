"""The actions that start a stack's pods, move its traffic, adopt its route and retire its containers: by git, or without."""
