#include "proxy/metrics.h"

#include <gtest/gtest.h>

namespace kpp::proxy {
namespace {

TEST(ProxyMetrics, RulesAreCountedByTable) {
  const auto counts = count_rules(
      "*filter\n:A - [0:0]\n-A A -j X\nCOMMIT\n*nat\n:B - [0:0]\n-A B -j Y\n-A B -j Z\nCOMMIT\n");
  EXPECT_EQ(counts.at("filter"), 1U);
  EXPECT_EQ(counts.at("nat"), 2U);
}

TEST(ProxyMetrics, AFailureCountsNoTime) {
  Metrics metrics;
  const WallTime now{std::chrono::seconds(1000)};
  metrics.synced({IpFamily::kIPv4, false, true, std::chrono::seconds(1), ""}, now);
  EXPECT_FALSE(metrics.text().contains("duration_seconds_count"));
  EXPECT_TRUE(
      metrics.text().contains("kubeproxy_sync_proxy_rules_iptables_partial_restore_failures_total{"
                              "ip_family=\"IPv4\"} 1\n"));
  metrics.synced({IpFamily::kIPv4, true, false, std::chrono::milliseconds(3), "*nat\n-A B\n"}, now);
  EXPECT_TRUE(metrics.text().contains(
      "kubeproxy_sync_full_proxy_rules_duration_seconds_count{ip_family=\"IPv4\"} 1\n"))
      << metrics.text();
  EXPECT_TRUE(metrics.text().contains("_bucket{ip_family=\"IPv4\",le=\"0.002\"} 0\n"));
  EXPECT_TRUE(metrics.text().contains("_bucket{ip_family=\"IPv4\",le=\"0.004\"} 1\n"));
  EXPECT_TRUE(metrics.text().contains(
      "kubeproxy_sync_proxy_rules_iptables_last{ip_family=\"IPv4\",table=\"nat\"} 1\n"));
}

}  // namespace
}  // namespace kpp::proxy
