# SPDX-License-Identifier: Apache-2.0
# An account for each kind of instance, with what that kind needs.
resource "google_service_account" "role" {
  for_each     = toset(["gateway", "notifier", "node", "broker"])
  account_id   = "${var.name}-${each.key}"
  display_name = "Tessera ${each.key}"
}

resource "google_project_iam_member" "logs" {
  for_each = google_service_account.role
  project  = var.project
  role     = "roles/logging.logWriter"
  member   = each.value.member
}

# Gateways write the depth of the queue (scripts/queue-depth).
resource "google_project_iam_member" "metrics" {
  project = var.project
  role    = "roles/monitoring.metricWriter"
  member  = google_service_account.role["gateway"].member
}

# Gateways sign links, and look at and remove objects; nodes read and write them; notifiers only open the store.
resource "google_storage_bucket_iam_member" "objects" {
  for_each = toset(["gateway", "node"])
  bucket   = google_storage_bucket.objects.name
  role     = "roles/storage.objectUser"
  member   = google_service_account.role[each.key].member
}

# Links are signed by the IAM API with the gateway's own identity.
resource "google_service_account_iam_member" "signing" {
  service_account_id = google_service_account.role["gateway"].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = google_service_account.role["gateway"].member
}

resource "google_artifact_registry_repository_iam_member" "images" {
  for_each   = var.repository == "" ? {} : { for role in ["gateway", "notifier", "node"] : role => google_service_account.role[role] }
  location   = var.region
  repository = var.repository
  role       = "roles/artifactregistry.reader"
  member     = each.value.member
}

locals {
  # Who may read which secret.
  secret_readers = {
    queue-url     = ["gateway", "notifier", "node"]
    state-url     = ["gateway", "notifier", "node"]
    metrics-token = ["gateway"]
    broker        = ["broker"]
  }
  secret_pairs = merge([for secret, roles in local.secret_readers : { for role in roles : "${secret}:${role}" => { secret = secret, role = role } }]...)
}

# Their contents are added by hand (docs/deployment.md), so that no state of Terraform's holds a password of the queue.
resource "google_secret_manager_secret" "secret" {
  for_each  = local.secret_readers
  secret_id = "${var.name}-${each.key}"
  replication {
    auto {}
  }
  depends_on = [google_project_service.needed]
}

resource "google_secret_manager_secret_iam_member" "reader" {
  for_each  = local.secret_pairs
  secret_id = google_secret_manager_secret.secret[each.value.secret].id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.role[each.value.role].member
}
