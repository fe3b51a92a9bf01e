# The function on Huawei Cloud: fed by Cloud Trace Service or EventGrid, failures kept in an OBS bucket.

terraform {
  required_providers {
    huaweicloud = {
      source  = "huaweicloud/huaweicloud"
      version = ">= 1.68.0"
    }
  }
}

provider "huaweicloud" {
  region = var.region
}

locals {
  timeout = 900 # seconds, the most that FunctionGraph gives without a quota
  retries = 3
}

resource "huaweicloud_fgs_function" "tagger" {
  name        = "image-tagger"
  description = "Tags for created images"
  app         = "default"
  agency      = huaweicloud_identity_agency.tagger.name

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
  concurrency_num  = 8 # two fewer than THREADS of the image, for health checks
  max_instance_num = "4"

  # Puts the agency's keys into the headers of every call.
  enable_auth_in_header = true
  user_data = jsonencode({ for name, value in {
    PORT                 = "8000"
    IMS_ENDPOINT         = "https://ims.${var.region}.myhuaweicloud.com"
    CREDENTIALS          = "functiongraph"
    OS_PROJECT_ID        = var.project_id
    INVOKE_RETRY_SECONDS = tostring(local.timeout - 30)
    RULES_TABLE          = try(file(var.rules), null)
  } : name => value if value != null })

  # Null leaves the choice to FunctionGraph, which makes a log group and a log stream of its own.
  enable_lts_log  = true
  log_group_id    = try(var.log.group_id, null)
  log_group_name  = try(var.log.group_name, null)
  log_stream_id   = try(var.log.stream_id, null)
  log_stream_name = try(var.log.stream_name, null)

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

resource "huaweicloud_fgs_function_trigger" "image_created" {
  count = var.eventgrid_channel == null ? 1 : 0

  function_urn = huaweicloud_fgs_function.tagger.urn
  type         = "CTS"
  event_data = jsonencode({
    name       = "image_created"
    operations = ["IMS:ims:createImage;copyImage", "IMS:image:createImage"]
  })
}

resource "huaweicloud_eg_event_subscription" "image_created" {
  count = var.eventgrid_channel == null ? 0 : 1

  channel_id = var.eventgrid_channel
  name       = "image-tagger"

  sources {
    id            = uuidv5("url", "image-tagger/source")
    provider_type = "OFFICIAL"
    name          = "HC.IMS"
    filter_rule = jsonencode({
      source = [{ op = "StringIn", values = ["HC.IMS"] }]
      data   = { trace_name = [{ op = "StringIn", values = ["createImage", "copyImage"] }] }
    })
  }

  targets {
    id            = uuidv5("url", "image-tagger/target")
    provider_type = "OFFICIAL"
    name          = "HC.FunctionGraph"
    detail_name   = "detail"
    detail = jsonencode({
      urn         = huaweicloud_fgs_function.tagger.urn
      invoke_type = "ASYNC"
      agency_name = "EG_TARGET_AGENCY"
    })
    transform = jsonencode({ type = "ORIGINAL", value = "" })
  }
}

# Without it FunctionGraph drops an event at its first failure.
resource "huaweicloud_fgs_async_invoke_configuration" "tagger" {
  function_urn                   = huaweicloud_fgs_function.tagger.urn
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

resource "huaweicloud_identity_role" "tags" {
  name        = "image-tagger-tags"
  description = "Reads and tags images"
  type        = "XA" # of a project
  policy = jsonencode({
    Version   = "1.1"
    Statement = [{ Effect = "Allow", Action = ["ims:images:get", "ims:images:update"] }]
  })
}

resource "huaweicloud_identity_role" "failures" {
  name        = "image-tagger-failures"
  description = "Writes the failed events of image-tagger into their bucket"
  type        = "AX" # of a global service
  policy = jsonencode({
    Version = "1.1"
    Statement = [{
      Effect   = "Allow"
      Action   = ["obs:object:PutObject"]
      Resource = ["OBS:*:*:object:${var.failures_bucket}/*"]
    }]
  })
}

resource "huaweicloud_identity_agency" "tagger" {
  name                  = "image-tagger"
  description           = "What the function image-tagger may do"
  delegated_domain_name = "op_svc_cff" # FunctionGraph
  project_role {
    project = var.project
    roles = [
      huaweicloud_identity_role.tags.name,
      "SWR Administrator", # what FunctionGraph asks for to pull an image; nothing less is documented
    ]
  }
  domain_roles = [huaweicloud_identity_role.failures.name]
}

output "function_urn" {
  value = huaweicloud_fgs_function.tagger.urn
}
