"""What only a task adapter knows."""
