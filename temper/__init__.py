"""The noun of the house: a trained classifier, however it is stored."""
