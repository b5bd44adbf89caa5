"""Folders of pictures to train on: drawn, fetched, looked over."""
