# SPDX-License-Identifier: Apache-2.0
variable "project" {
  type        = string
  description = "Project that everything is made in"
}

variable "region" {
  type        = string
  description = "Region of instances, bucket and servers"
  default     = "europe-west1"
}

variable "name" {
  type        = string
  description = "Beginning of all names"
  default     = "tessera"
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,20}$", var.name))
    error_message = "Lower-case letters, digits and hyphens, 21 at most."
  }
}

variable "domain" {
  type        = string
  description = "Name by which clients reach the service; its A record must lead to the output 'address'"
}

variable "image" {
  type        = string
  description = "Container image of Tessera, such as REGION-docker.pkg.dev/PROJECT/REPOSITORY/tessera:0.2.0"
}

variable "repository" {
  type        = string
  description = "Repository of Artifact Registry in the region that holds the image; empty: the image is public"
  default     = ""
}

variable "origins" {
  type        = list(string)
  description = "Origins of web pages that may use the service"
  default     = []
}

variable "object_days" {
  type        = number
  description = "Days after which the bucket removes objects; more than gateways keep jobs (job-lifetime, 7 days)"
  default     = 14
}

variable "gateway" {
  type = object({
    machine_type = optional(string, "e2-small")
    count        = optional(number, 2)
  })
  default = {}
}

variable "notifier" {
  type = object({
    machine_type = optional(string, "e2-small")
    count        = optional(number, 2)
  })
  default = {}
}

variable "node" {
  type = object({
    machine_type = optional(string, "c3-highcpu-4")
    min          = optional(number, 0)
    max          = optional(number, 20)
    # Waiting jobs for which one instance is wanted: 15 s of its work (docs/growth.md), here for photographs of 0.1 s on
    # four ranks. 15 times the ranks, divided by the seconds of a job.
    jobs_per_node = optional(number, 600)
    ranks         = optional(number, 4)
    threads       = optional(number, 1)
    spot          = optional(bool, true)
    # Spot instances have 30 s after the notice.
    drain_limit = optional(number, 15)
    disk_gb     = optional(number, 50)
  })
  default = {}
  validation {
    condition     = !var.node.spot || var.node.drain_limit <= 18
    error_message = "A spot instance ends 30 s after its notice, and a node up to 9 s after its drain limit."
  }
}

variable "hosted_queue" {
  type        = bool
  description = "RabbitMQ is somewhere else: the secret NAME-queue-url gets its URL, and no brokers are made"
  default     = false
}

variable "broker" {
  type = object({
    machine_type = optional(string, "e2-standard-2")
    image        = optional(string, "rabbitmq:3.13")
    disk_gb      = optional(number, 20)
    address      = optional(string, "10.80.0.10")
  })
  default = {}
}

variable "redis_gb" {
  type        = number
  description = "Memory of Redis: about 6 KB a job that is kept and 1 KB an event"
  default     = 5
}
