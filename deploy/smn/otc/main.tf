# Cloud Trace Service tells a topic of Simple Message Notification of created images, and the topic posts to the function.

terraform {
  required_providers {
    opentelekomcloud = {
      source  = "opentelekomcloud/opentelekomcloud"
      version = ">= 1.36.70"
    }
  }
}

provider "opentelekomcloud" {
  region = var.region
}

resource "opentelekomcloud_smn_topic_v2" "image_created" {
  name         = "image_created"
  display_name = "Created images"
}

# The function logs the address that confirms the subscription. Until somebody opens it, the topic sends nothing.
resource "opentelekomcloud_smn_subscription_v2" "tagger" {
  topic_urn = opentelekomcloud_smn_topic_v2.image_created.id
  protocol  = "https"
  endpoint  = "${var.address}?access_token=${var.events_token}"
}

resource "opentelekomcloud_cts_event_notification_v3" "image_created" {
  notification_name = "image_created"
  operation_type    = "customized"
  topic_id          = opentelekomcloud_smn_topic_v2.image_created.id
  status            = "enabled"

  operations {
    service_type  = "IMS"
    resource_type = "ims"
    trace_names   = ["createImage", "copyImage"]
  }
  operations {
    service_type  = "IMS"
    resource_type = "image"
    trace_names   = ["createImage"]
  }
}
