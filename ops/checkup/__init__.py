"""`performate doctor`: one file for each corner that is looked at. Nothing is changed by looking."""
