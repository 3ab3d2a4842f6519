"""Every request of the documents, sent to a gateway, and each field of the answers checked."""
