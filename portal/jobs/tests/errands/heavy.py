"""Stands for a module that takes long to import."""
