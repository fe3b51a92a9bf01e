variable "region" {
  description = "Region of the images, such as eu-de."
  type        = string
}

variable "address" {
  description = "HTTPS address of the function, such as https://events.example.com/."
  type        = string
}

variable "events_token" {
  description = "The token of EVENTS_TOKEN that is for this topic alone. Whoever may read the subscription can read it."
  type        = string
  sensitive   = true
}
