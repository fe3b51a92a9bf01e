"""The whole system: function, bus, subscription and commands, in processes of their own."""
