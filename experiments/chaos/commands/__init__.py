"""Commands as users start them: disturbed at any moment, and started again."""
