"""Every way to authenticate to the cloud."""
