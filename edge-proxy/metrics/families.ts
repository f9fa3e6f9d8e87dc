/** Everything that the proxy counts: names, kinds and meanings, in the order of the metrics page. */
export const metricFamilies = {
  mc_proxy_connections_total: ["counter", "Connections taken over for a route"],
  mc_proxy_connections_open: ["gauge", "Connections of a route that are open now"],
  mc_proxy_accepted_total: ["counter", "Connections accepted, before anything is known of them"],
  mc_proxy_unrouted_open: ["gauge", "Connections open now that have not said where they want to go"],
  mc_proxy_refused_total: ["counter", "Connections refused before they reached an instance"],
  mc_proxy_blocked_total: ["counter", "Connections and requests refused by a rule of the firewall or of a route"],
  mc_proxy_limited_total: ["counter", "Connections and requests refused or cut by a limit"],
  mc_proxy_handshake_errors_total: ["counter", "TLS handshakes that failed"],
  mc_proxy_requests_total: ["counter", "HTTP requests answered"],
  mc_proxy_requests_held: ["gauge", "HTTP requests that wait because their route is paused"],
  mc_proxy_request_duration_seconds: ["histogram", "From the request's first byte to the response's last"],
  mc_proxy_request_first_byte_seconds: ["histogram", "From the request's first byte to the response's first"],
  mc_proxy_received_bytes_total: [
    "counter",
    "Bytes received from clients: of a connection (l4), of request bodies (l7)",
  ],
  mc_proxy_sent_bytes_total: ["counter", "Bytes sent to clients: of a connection (l4), of response bodies (l7)"],
  mc_proxy_instance_failures_total: ["counter", "Connections that an instance refused or did not answer"],
  mc_proxy_certificate_expiry_seconds: ["gauge", "Unix time at which a certificate expires"],
  mc_proxy_routes: ["gauge", "Routes by what becomes of them"],
  mc_proxy_workers: ["gauge", "Workers that serve now"],
  mc_proxy_worker_restarts_total: ["counter", "Workers that died and were started again"],
} as const;

/** Name of something that the proxy counts. */
export type MetricName = keyof typeof metricFamilies;
