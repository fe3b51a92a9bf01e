"""What the function alone costs: its start, a delivery, its rules."""
