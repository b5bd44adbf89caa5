"""Folders of labeled images: draw a sample, download a public dataset, scan for unusable and duplicate images."""
