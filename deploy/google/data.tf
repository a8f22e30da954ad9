# SPDX-License-Identifier: Apache-2.0
resource "google_storage_bucket" "objects" {
  name                        = "${var.project}-${var.name}-objects"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  # Gateways remove what has expired; what they remove is gone.
  soft_delete_policy {
    retention_duration_seconds = 0
  }
  # What no gateway knows of any more.
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age = var.object_days
    }
  }
  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }
    condition {
      age = 2
    }
  }
  # Pages put images to links, and read results from them.
  dynamic "cors" {
    for_each = length(var.origins) == 0 ? [] : [var.origins]
    content {
      origin          = cors.value
      method          = ["GET", "HEAD", "PUT"]
      response_header = ["Content-Type", "Content-Range", "ETag", "Location", "x-goog-resumable"]
      max_age_seconds = 3600
    }
  }
}

# A standby in another zone takes over. Memorystore has no append-only file: what the standby has not received when the
# primary fails is lost, so that jobs accepted in the last moments may be (docs/reliability.md).
resource "google_redis_instance" "state" {
  name                    = var.name
  tier                    = "STANDARD_HA"
  memory_size_gb          = var.redis_gb
  region                  = var.region
  redis_version           = "REDIS_7_2"
  authorized_network      = google_compute_network.main.id
  connect_mode            = "PRIVATE_SERVICE_ACCESS"
  auth_enabled            = true
  transit_encryption_mode = "SERVER_AUTHENTICATION"
  redis_configs = {
    maxmemory-policy = "noeviction"
  }
  persistence_config {
    persistence_mode    = "RDB"
    rdb_snapshot_period = "ONE_HOUR"
  }
  depends_on = [google_service_networking_connection.services]
}

resource "google_secret_manager_secret_version" "state" {
  secret      = google_secret_manager_secret.secret["state-url"].id
  secret_data = "rediss://default:${google_redis_instance.state.auth_string}@${google_redis_instance.state.host}:${google_redis_instance.state.port}/0?cacertfile=/run/secrets/tessera/state-authority.pem"
}
