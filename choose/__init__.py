"""Labeled images → the fastest network that is accurate enough: trained, converted and measured; the choice in words.

Which artifact of one folder is used on a machine is another question: temper/choose answers it.
"""
