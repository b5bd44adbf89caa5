"""The documentation: pages for users, and the program that builds them as a site."""
