"""Training of the two stages (section 4.3): ``cartoonedit train detector|refiner``."""
