"""The postmortem of a ticket: drafted from the record, edited by people, every version kept."""
