"""The hosted services: one method per documented endpoint."""
