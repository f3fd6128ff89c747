"""Measurements, each a program of its own; tests never time anything."""
