# SPDX-License-Identifier: Apache-2.0
resource "google_compute_global_address" "front" {
  name = "${var.name}-front"
}

resource "google_compute_managed_ssl_certificate" "front" {
  name = "${var.name}-front"
  managed {
    domains = [var.domain]
  }
}

resource "google_compute_ssl_policy" "front" {
  name            = "${var.name}-front"
  profile         = "MODERN"
  min_tls_version = "TLS_1_2"
}

resource "google_compute_health_check" "front" {
  for_each           = { gateway = 8080, notifier = 8081 }
  name               = "${var.name}-${each.key}-front"
  check_interval_sec = 5
  timeout_sec        = 3
  http_health_check {
    port         = each.value
    request_path = "/healthz"
  }
}

resource "google_compute_backend_service" "front" {
  for_each              = google_compute_health_check.front
  name                  = "${var.name}-${each.key}"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  protocol              = "HTTP"
  port_name             = "http"
  health_checks         = [each.value.id]
  # The longest that a stream of events, an upload or a download may take.
  timeout_sec                     = 86400
  connection_draining_timeout_sec = 20
  backend {
    group           = google_compute_region_instance_group_manager.group[each.key].instance_group
    balancing_mode  = "UTILIZATION"
    max_utilization = 0.8
  }
  # Tokens of streams stand in the query, and would be in these logs.
  log_config {
    enable = false
  }
}

resource "google_compute_url_map" "front" {
  name            = var.name
  default_service = google_compute_backend_service.front["gateway"].id
  host_rule {
    hosts        = [var.domain]
    path_matcher = "all"
  }
  path_matcher {
    name            = "all"
    default_service = google_compute_backend_service.front["gateway"].id
    path_rule {
      paths   = ["/v1/events", "/v1/events/*"]
      service = google_compute_backend_service.front["notifier"].id
    }
  }
}

resource "google_compute_target_https_proxy" "front" {
  name             = var.name
  url_map          = google_compute_url_map.front.id
  ssl_certificates = [google_compute_managed_ssl_certificate.front.id]
  ssl_policy       = google_compute_ssl_policy.front.id
}

resource "google_compute_global_forwarding_rule" "https" {
  name                  = "${var.name}-https"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.front.id
  port_range            = "443"
  target                = google_compute_target_https_proxy.front.id
}

resource "google_compute_url_map" "redirect" {
  name = "${var.name}-redirect"
  default_url_redirect {
    https_redirect         = true
    strip_query            = false
    redirect_response_code = "PERMANENT_REDIRECT"
  }
}

resource "google_compute_target_http_proxy" "redirect" {
  name    = "${var.name}-redirect"
  url_map = google_compute_url_map.redirect.id
}

resource "google_compute_global_forwarding_rule" "http" {
  name                  = "${var.name}-http"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.front.id
  port_range            = "80"
  target                = google_compute_target_http_proxy.redirect.id
}
