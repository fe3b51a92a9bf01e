"""Every way to prove to the cloud who calls."""
