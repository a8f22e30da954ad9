# SPDX-License-Identifier: Apache-2.0
resource "google_project_service" "needed" {
  for_each = toset([
    "compute.googleapis.com", "iamcredentials.googleapis.com", "logging.googleapis.com", "monitoring.googleapis.com",
    "redis.googleapis.com", "secretmanager.googleapis.com", "servicenetworking.googleapis.com", "storage.googleapis.com",
  ])
  service            = each.value
  disable_on_destroy = false
}

resource "google_compute_network" "main" {
  name                    = var.name
  auto_create_subnetworks = false
  depends_on              = [google_project_service.needed]
}

resource "google_compute_subnetwork" "main" {
  name                     = var.name
  network                  = google_compute_network.main.id
  region                   = var.region
  ip_cidr_range            = "10.80.0.0/20"
  private_ip_google_access = true
}

# Instances have no public addresses: images of containers and webhooks go out by NAT.
resource "google_compute_router" "main" {
  name    = var.name
  network = google_compute_network.main.id
  region  = var.region
}

resource "google_compute_router_nat" "main" {
  name                               = var.name
  router                             = google_compute_router.main.name
  region                             = var.region
  nat_ip_allocate_option             = "AUTO_ONLY"
  source_subnetwork_ip_ranges_to_nat = "ALL_SUBNETWORKS_ALL_IP_RANGES"
}

# Google's load balancers and health checks, and nobody else.
resource "google_compute_firewall" "front" {
  name          = "${var.name}-front"
  network       = google_compute_network.main.id
  direction     = "INGRESS"
  source_ranges = ["130.211.0.0/22", "35.191.0.0/16"]
  target_service_accounts = [
    google_service_account.role["gateway"].email, google_service_account.role["notifier"].email,
  ]
  allow {
    protocol = "tcp"
    ports    = ["8080", "8081"]
  }
}

resource "google_compute_firewall" "node_health" {
  name                    = "${var.name}-node-health"
  network                 = google_compute_network.main.id
  direction               = "INGRESS"
  source_ranges           = ["130.211.0.0/22", "35.191.0.0/16"]
  target_service_accounts = [google_service_account.role["node"].email]
  allow {
    protocol = "tcp"
    ports    = ["8082"]
  }
}

resource "google_compute_firewall" "queue" {
  name                    = "${var.name}-queue"
  network                 = google_compute_network.main.id
  direction               = "INGRESS"
  source_service_accounts = [for role in ["gateway", "notifier", "node"] : google_service_account.role[role].email]
  target_service_accounts = [google_service_account.role["broker"].email]
  allow {
    protocol = "tcp"
    ports    = ["5672"]
  }
}

# Brokers among themselves (Erlang's mapper and distribution), and the health checks of their load balancer.
resource "google_compute_firewall" "brokers" {
  name                    = "${var.name}-brokers"
  network                 = google_compute_network.main.id
  direction               = "INGRESS"
  source_service_accounts = [google_service_account.role["broker"].email]
  target_service_accounts = [google_service_account.role["broker"].email]
  allow {
    protocol = "tcp"
    ports    = ["4369", "25672"]
  }
}

resource "google_compute_firewall" "broker_health" {
  name                    = "${var.name}-broker-health"
  network                 = google_compute_network.main.id
  direction               = "INGRESS"
  source_ranges           = ["130.211.0.0/22", "35.191.0.0/16"]
  target_service_accounts = [google_service_account.role["broker"].email]
  allow {
    protocol = "tcp"
    ports    = ["5672"]
  }
}

# For Memorystore, which lies in a network of Google's.
resource "google_compute_global_address" "services" {
  name          = "${var.name}-services"
  network       = google_compute_network.main.id
  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  prefix_length = 20
}

resource "google_service_networking_connection" "services" {
  network                 = google_compute_network.main.id
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.services.name]
}
