"""Tag values: literal text with `{{ expressions }}`, compiled to functions of an event."""
