"""What labtui talks about: identities, resources, changes, plans and errors. Pure: no I/O, no third-party imports."""
