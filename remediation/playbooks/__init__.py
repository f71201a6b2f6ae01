"""Ansible with proof: gates, jail, canary proof, the role repository, and what plays a role on a host."""
