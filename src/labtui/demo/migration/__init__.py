"""What a migration needs of the world, simulated: the ports of `labtui.ports.migration`, `.stacks` and `.moving`."""
