"""What commands print: reports as JSON or for people, and the progress of long work."""
