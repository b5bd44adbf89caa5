"""A trained image classifier, however it is stored."""
