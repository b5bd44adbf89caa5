"""How long trainings take to the validation accuracy of the tutorial's loop."""
