# SPDX-License-Identifier: Apache-2.0
locals {
  url   = "https://${var.domain}"
  store = "gs://${google_storage_bucket.objects.name}"
  environment = {
    gateway = {
      TESSERA_LISTEN                      = "0.0.0.0:8080"
      TESSERA_PUBLIC_URL                  = local.url
      TESSERA_NOTIFIER_URL                = local.url
      TESSERA_SPOOL                       = "/data/spool"
      TESSERA_ALLOW_ORIGIN                = join(",", var.origins)
      TESSERA_MAX_CONNECTIONS_PER_ADDRESS = "10000"
    }
    notifier = {
      TESSERA_LISTEN                      = "0.0.0.0:8081"
      TESSERA_PUBLIC_URL                  = local.url
      TESSERA_ALLOW_ORIGIN                = join(",", var.origins)
      TESSERA_MAX_CONNECTIONS_PER_ADDRESS = "10000"
    }
    node = {
      TESSERA_RANKS          = tostring(var.node.ranks)
      TESSERA_THREADS        = tostring(var.node.threads)
      TESSERA_DRAIN_LIMIT    = tostring(var.node.drain_limit)
      TESSERA_SCRATCH        = "/data"
      TESSERA_METRICS_LISTEN = "0.0.0.0:8082"
    }
  }
  # What differs between the groups of instances.
  groups = {
    gateway  = { machine_type = var.gateway.machine_type, port = 8080, spot = false, disk_gb = 20, stop = 20, helpers = ["queue-depth"] }
    notifier = { machine_type = var.notifier.machine_type, port = 8081, spot = false, disk_gb = 20, stop = 20, helpers = [] }
    node = {
      machine_type = var.node.machine_type, port = 8082, spot = var.node.spot, disk_gb = var.node.disk_gb,
      stop         = var.node.drain_limit + 10, helpers = var.node.spot ? ["drain-on-preemption"] : []
    }
  }
}

resource "google_compute_region_instance_template" "group" {
  for_each     = local.groups
  name_prefix  = "${var.name}-${each.key}-"
  region       = var.region
  machine_type = each.value.machine_type
  disk {
    source_image = "projects/cos-cloud/global/images/family/cos-stable"
    boot         = true
    auto_delete  = true
    disk_size_gb = each.value.disk_gb
    disk_type    = "pd-balanced"
  }
  network_interface {
    subnetwork = google_compute_subnetwork.main.id
  }
  service_account {
    email  = google_service_account.role[each.key].email
    scopes = ["cloud-platform"]
  }
  scheduling {
    preemptible                 = each.value.spot
    provisioning_model          = each.value.spot ? "SPOT" : "STANDARD"
    instance_termination_action = each.value.spot ? "STOP" : null
    automatic_restart           = !each.value.spot
    on_host_maintenance         = each.value.spot ? "TERMINATE" : "MIGRATE"
  }
  shielded_instance_config {
    enable_secure_boot          = true
    enable_vtpm                 = true
    enable_integrity_monitoring = true
  }
  metadata = merge({
    enable-oslogin            = "TRUE"
    google-logging-enabled    = "true"
    google-monitoring-enabled = "true"
    startup-script            = file("${path.module}/scripts/start")
    # Also for instances that the autoscaler or a rolling update takes away.
    shutdown-script              = "docker stop tessera"
    tessera-role                 = each.key
    tessera-image                = var.image
    tessera-stop-timeout         = tostring(each.value.stop)
    tessera-queue-url-secret     = google_secret_manager_secret.secret["queue-url"].secret_id
    tessera-state-url-secret     = google_secret_manager_secret.secret["state-url"].secret_id
    tessera-metrics-token-secret = google_secret_manager_secret.secret["metrics-token"].secret_id
    tessera-state-authority      = join("\n", google_redis_instance.state.server_ca_certs[*].cert)
    tessera-helpers              = join(" ", each.value.helpers)
    tessera-environment = join("\n", [for variable, value in merge(local.environment[each.key], {
      TESSERA_STORE = local.store, TESSERA_LOG_FORMAT = "json"
    }) : "${variable}=${value}" if value != ""])
  }, { for helper in each.value.helpers : "tessera-${helper}" => file("${path.module}/scripts/${helper}") })
  lifecycle {
    create_before_destroy = true
  }
}

resource "google_compute_region_health_check" "alive" {
  for_each            = local.groups
  name                = "${var.name}-${each.key}-alive"
  region              = var.region
  check_interval_sec  = 10
  timeout_sec         = 5
  unhealthy_threshold = 6
  # The process alone, not the servers behind it: instances that wait for these need not be replaced.
  http_health_check {
    port         = each.value.port
    request_path = "/healthz"
  }
}

resource "google_compute_region_instance_group_manager" "group" {
  for_each           = local.groups
  name               = "${var.name}-${each.key}"
  region             = var.region
  base_instance_name = "${var.name}-${each.key}"
  # The autoscaler says how many nodes there are.
  target_size = each.key == "node" ? null : each.key == "gateway" ? var.gateway.count : var.notifier.count
  version {
    instance_template = google_compute_region_instance_template.group[each.key].id
  }
  named_port {
    name = "http"
    port = each.value.port
  }
  auto_healing_policies {
    health_check      = google_compute_region_health_check.alive[each.key].id
    initial_delay_sec = 300
  }
  update_policy {
    type                  = "PROACTIVE"
    minimal_action        = "REPLACE"
    max_surge_fixed       = 3
    max_unavailable_fixed = 0
  }
  depends_on = [google_secret_manager_secret_version.state, google_secret_manager_secret_iam_member.reader]
}

resource "google_compute_region_autoscaler" "node" {
  name   = "${var.name}-node"
  region = var.region
  target = google_compute_region_instance_group_manager.group["node"].id
  autoscaling_policy {
    min_replicas    = var.node.min
    max_replicas    = var.node.max
    cooldown_period = 120
    # Written by scripts/queue-depth; every gateway writes the same number.
    metric {
      name                       = "custom.googleapis.com/tessera/queue_depth"
      filter                     = "resource.type = \"gce_instance\""
      single_instance_assignment = var.node.jobs_per_node
    }
    scale_in_control {
      max_scaled_in_replicas {
        fixed = 1
      }
      time_window_sec = 300
    }
  }
}
