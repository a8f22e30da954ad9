# SPDX-License-Identifier: Apache-2.0
# Three brokers in three zones, whose queues are replicated (quorum), behind an internal address. Not made with hosted_queue.
data "google_compute_zones" "available" {
  region = var.region
}

locals {
  brokers = var.hosted_queue ? {} : { for number in [0, 1, 2] : "${var.name}-broker-${number}" => data.google_compute_zones.available.names[number] }
}

resource "google_compute_disk" "broker" {
  for_each = local.brokers
  name     = "${each.key}-data"
  zone     = each.value
  size     = var.broker.disk_gb
  type     = "pd-ssd"
}

resource "google_compute_instance" "broker" {
  for_each     = local.brokers
  name         = each.key
  zone         = each.value
  machine_type = var.broker.machine_type
  # A change of the machine's type stops it; quorum queues go on with the two others.
  allow_stopping_for_update = true
  boot_disk {
    initialize_params {
      image = "projects/cos-cloud/global/images/family/cos-stable"
    }
  }
  attached_disk {
    source      = google_compute_disk.broker[each.key].id
    device_name = "data"
  }
  network_interface {
    subnetwork = google_compute_subnetwork.main.id
  }
  service_account {
    email  = google_service_account.role["broker"].email
    scopes = ["cloud-platform"]
  }
  shielded_instance_config {
    enable_secure_boot = true
  }
  metadata = {
    enable-oslogin         = "TRUE"
    google-logging-enabled = "true"
    startup-script         = file("${path.module}/scripts/start-broker")
    broker-image           = var.broker.image
    broker-secret          = google_secret_manager_secret.secret["broker"].secret_id
    broker-configuration   = file("${path.module}/../rabbitmq/rabbitmq.conf")
    broker-peers           = join(" ", [for name, zone in local.brokers : "${name}.${zone}.c.${var.project}.internal"])
  }
}

resource "google_compute_instance_group" "broker" {
  for_each  = local.brokers
  name      = each.key
  zone      = each.value
  instances = [google_compute_instance.broker[each.key].id]
}

resource "google_compute_region_health_check" "broker" {
  count  = var.hosted_queue ? 0 : 1
  name   = "${var.name}-broker"
  region = var.region
  tcp_health_check {
    port = 5672
  }
}

resource "google_compute_region_backend_service" "broker" {
  count                 = var.hosted_queue ? 0 : 1
  name                  = "${var.name}-broker"
  region                = var.region
  load_balancing_scheme = "INTERNAL"
  protocol              = "TCP"
  health_checks         = [google_compute_region_health_check.broker[0].id]
  dynamic "backend" {
    for_each = google_compute_instance_group.broker
    content {
      group          = backend.value.id
      balancing_mode = "CONNECTION"
    }
  }
}

resource "google_compute_forwarding_rule" "broker" {
  count                 = var.hosted_queue ? 0 : 1
  name                  = "${var.name}-broker"
  region                = var.region
  load_balancing_scheme = "INTERNAL"
  network               = google_compute_network.main.id
  subnetwork            = google_compute_subnetwork.main.id
  backend_service       = google_compute_region_backend_service.broker[0].id
  ip_address            = var.broker.address
  ports                 = ["5672"]
}
