"""What the commands print: one file a command's table."""
