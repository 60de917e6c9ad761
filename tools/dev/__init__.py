"""What tools/wye-dev does: set-up, builds, test stages. Python 3.11, standard library only."""
