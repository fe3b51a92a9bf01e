variable "region" {
  description = "Region and project of the images, such as eu-de."
  type        = string
}

variable "project" {
  description = "Name of the project whose images are tagged, such as eu-de or eu-de_team."
  type        = string
}

variable "project_id" {
  description = "Id of that project."
  type        = string
}

variable "image" {
  description = "The function's image in SWR, with its tag, such as swr.eu-de.otc.t-systems.com/team/image-tagger:1."
  type        = string
}

variable "failures_bucket" {
  description = "Name of an existing OBS bucket that keeps the events that failed for good."
  type        = string
}

variable "rules" {
  description = "Path of the rules table, of at most 3800 characters. Null takes the one in the image."
  type        = string
  default     = null
}

variable "log" {
  description = "The log group and log stream of LTS for the function's log. Null takes those that FunctionGraph makes."
  type = object({
    group_id    = string
    group_name  = string
    stream_id   = string
    stream_name = string
  })
  default = null
}
