"""The platform under the product: audit trail, people, jobs, sign-offs, and what starts them."""
