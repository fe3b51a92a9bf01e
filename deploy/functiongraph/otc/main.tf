# The function on Open Telekom Cloud: fed by Cloud Trace Service, failures kept in an OBS bucket.

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

locals {
  timeout = 900 # seconds, the most that FunctionGraph gives
  retries = 3   # the most that FunctionGraph makes
}

resource "opentelekomcloud_fgs_function_v2" "tagger" {
  name        = "image-tagger"
  description = "Tags for created images"
  app         = "default"
  agency      = opentelekomcloud_identity_agency_v3.tagger.name

  runtime             = "Custom Image"
  code_type           = "Custom-Image-Swr"
  handler             = "-"
  initializer_handler = "-"
  initializer_timeout = 60
  custom_image {
    url = var.image
  }

  memory_size      = 256
  timeout          = local.timeout
  max_instance_num = "20" # events at once, those that wait for their image included

  # Puts the agency's keys into the headers of every call.
  enable_auth_in_header = true
  user_data = jsonencode({ for name, value in {
    PORT                 = "8000"
    IMS_ENDPOINT         = "https://ims.${var.region}.otc.t-systems.com"
    CREDENTIALS          = "functiongraph"
    OS_PROJECT_ID        = var.project_id
    INVOKE_RETRY_SECONDS = tostring(local.timeout - 30)
    RULES_TABLE          = try(file(var.rules), null)
  } : name => value if value != null })

  # Null leaves the choice to FunctionGraph, which makes a log group and a log stream of its own.
  log_group_id   = try(var.log.group_id, null)
  log_group_name = try(var.log.group_name, null)
  log_topic_id   = try(var.log.stream_id, null)
  log_topic_name = try(var.log.stream_name, null)

  lifecycle {
    precondition {
      condition     = var.rules == null || length(try(file(var.rules), "")) > 0
      error_message = "The file that `rules` names is not there, or is empty."
    }
    precondition {
      # Names and values of all settings have 4096 characters together. The others take some 200.
      condition     = length(try(file(var.rules), "")) <= 3800
      error_message = "The rules table is longer than 3800 characters. Put it into the image, handlers/rules.toml."
    }
  }
}

resource "opentelekomcloud_fgs_trigger_v2" "image_created" {
  function_urn = opentelekomcloud_fgs_function_v2.tagger.urn
  type         = "CTS"
  event_data = jsonencode({
    name       = "image_created"
    operations = ["IMS:ims:createImage;copyImage", "IMS:image:createImage"]
  })
}

# Without it FunctionGraph drops an event at its first failure.
resource "opentelekomcloud_fgs_async_invoke_config_v2" "tagger" {
  function_urn                   = opentelekomcloud_fgs_function_v2.tagger.urn
  max_async_retry_attempts       = local.retries
  max_async_event_age_in_seconds = 86400

  on_failure {
    destination = "OBS"
    param = jsonencode({
      bucket  = var.failures_bucket
      prefix  = "/image-tagger"
      expires = 0 # kept until somebody deletes them
    })
  }
}

resource "opentelekomcloud_identity_role_v3" "tags" {
  display_name  = "image-tagger-tags"
  description   = "Reads and tags images"
  display_layer = "project"
  statement {
    effect = "Allow"
    action = ["ims:images:get", "ims:images:update"]
  }
}

resource "opentelekomcloud_identity_role_v3" "failures" {
  display_name  = "image-tagger-failures"
  description   = "Writes the failed events of image-tagger into their bucket"
  display_layer = "domain"
  statement {
    effect   = "Allow"
    action   = ["obs:object:PutObject"]
    resource = ["OBS:*:*:object:${var.failures_bucket}/*"]
  }
}

resource "opentelekomcloud_identity_agency_v3" "tagger" {
  name                  = "image-tagger"
  description           = "What the function image-tagger may do"
  delegated_domain_name = "op_svc_cff" # FunctionGraph
  project_role {
    project = var.project
    roles = [
      opentelekomcloud_identity_role_v3.tags.display_name,
      "SWR Administrator", # what FunctionGraph asks for to pull an image; nothing less is documented
    ]
  }
  domain_roles = [opentelekomcloud_identity_role_v3.failures.display_name]
}

output "function_urn" {
  value = opentelekomcloud_fgs_function_v2.tagger.urn
}
