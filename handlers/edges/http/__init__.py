"""HTTP calls over kept-alive connections, each within a deadline."""
