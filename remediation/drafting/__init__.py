"""Turns a ticket into a draft: one protocol, two drafters, every attempt kept."""
