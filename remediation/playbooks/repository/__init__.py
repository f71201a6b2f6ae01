"""The role repository: what carries a proven role home as a pull request, and what is known of the merged ones."""
