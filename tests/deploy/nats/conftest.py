"""What several files about the subscription share."""

EVENT = {"ce-specversion": "1.0", "ce-id": "42", "ce-source": "/images", "ce-type": "image.created"}
STRUCTURED = {"Content-Type": "application/cloudevents+json; charset=UTF-8"}
