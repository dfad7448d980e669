#include "kubelet/container/dns_config.h"

#include <algorithm>
#include <sstream>

#include "base/cat.h"

namespace kpp::kubelet {
namespace {

constexpr std::size_t kMaxServers = 3;
constexpr std::size_t kMaxSearches = 32;
constexpr std::size_t kMaxSearchChars = 2048;

void add_missing(std::vector<std::string>& to, const std::vector<std::string>& from) {
  for (const auto& item : from) {
    if (std::ranges::find(to, item) == to.end()) to.push_back(item);
  }
}

std::string_view option_name(std::string_view option) { return option.substr(0, option.find(':')); }

void merge_options(std::vector<std::string>& to,
                   const std::vector<corev1::PodDNSConfigOption>& from) {
  for (const auto& option : from) {
    const std::string text =
        option.value && !option.value->empty() ? cat(option.name, ":", *option.value) : option.name;
    const auto it = std::ranges::find_if(
        to, [&](const auto& have) { return option_name(have) == option.name; });
    if (it == to.end()) {
      to.push_back(text);
    } else {
      *it = text;
    }
  }
}

void cut_to_limits(cri::DNSConfig& dns) {
  if (dns.servers.size() > kMaxServers) dns.servers.resize(kMaxServers);
  if (dns.searches.size() > kMaxSearches) dns.searches.resize(kMaxSearches);
  while (join(dns.searches, " ").size() > kMaxSearchChars) dns.searches.pop_back();
}

}  // namespace

ResolvConf parse_resolv_conf(std::string_view text) {
  ResolvConf out;
  std::istringstream lines{std::string(text)};
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream words(line.substr(0, line.find_first_of("#;")));
    std::string key, word;
    words >> key;
    if (key == "nameserver") {
      if (words >> word) out.servers.push_back(word);
    } else if (key == "search") {
      out.searches.clear();
      while (words >> word) {
        if (word.size() > 1 && word.back() == '.') word.pop_back();
        out.searches.push_back(word);
      }
    } else if (key == "options") {
      while (words >> word) {
        const auto it = std::ranges::find_if(
            out.options, [&](const auto& have) { return option_name(have) == option_name(word); });
        if (it == out.options.end()) {
          out.options.push_back(word);
        } else {
          *it = word;
        }
      }
    }
  }
  return out;
}

cri::DNSConfig pod_dns(const corev1::Pod& pod, const ResolvConf& node,
                       const std::vector<std::string>& cluster_dns,
                       const std::string& cluster_domain) {
  cri::DNSConfig out;
  const std::string& policy = pod.spec.dns_policy;
  const bool cluster_first =
      policy == "ClusterFirstWithHostNet" ||
      ((policy == "ClusterFirst" || policy.empty()) && !pod.spec.host_network);
  if (policy == "None") {
    // Only what dnsConfig gives.
  } else if (cluster_first && !cluster_dns.empty()) {
    out.servers = cluster_dns;
    if (!cluster_domain.empty()) {
      out.searches = {cat(pod.metadata.namespace_, ".svc.", cluster_domain),
                      cat("svc.", cluster_domain), cluster_domain};
    }
    add_missing(out.searches, node.searches);
    out.options = {"ndots:5"};
  } else {
    out.servers = node.servers;
    out.searches = node.searches;
    out.options = node.options;
  }
  if (pod.spec.dns_config) {
    add_missing(out.servers, pod.spec.dns_config->nameservers);
    add_missing(out.searches, pod.spec.dns_config->searches);
    merge_options(out.options, pod.spec.dns_config->options);
  }
  cut_to_limits(out);
  return out;
}

}  // namespace kpp::kubelet
