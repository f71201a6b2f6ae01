"""Gates, edits, checklist and sign-off of a draft."""
