# SPDX-License-Identifier: Apache-2.0
output "address" {
  description = "Address that the A record of the domain must lead to"
  value       = google_compute_global_address.front.address
}

output "bucket" {
  value = google_storage_bucket.objects.name
}

output "secrets" {
  description = "Secrets whose contents are added by hand"
  value       = [for key in ["queue-url", "metrics-token", "broker"] : google_secret_manager_secret.secret[key].secret_id]
}

output "queue_url" {
  description = "What to put into the secret of the queue, with the password of the secret of the brokers"
  value       = var.hosted_queue ? null : "amqp://tessera:PASSWORD@${var.broker.address}/"
}
