"""Commands that check the trail."""
