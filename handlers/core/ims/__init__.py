"""What Image Management Service documents: tags and their limits, requests, error codes."""
