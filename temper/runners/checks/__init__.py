"""What is checked before a runtime sees a file, and after it has predicted."""
