#include "kubelet/config/node_labels.h"

#include <algorithm>

namespace kpp::kubelet {
namespace {

constexpr std::string_view kAllowed[] = {"beta.kubernetes.io/arch",
                                         "beta.kubernetes.io/instance-type",
                                         "beta.kubernetes.io/os",
                                         "failure-domain.beta.kubernetes.io/region",
                                         "failure-domain.beta.kubernetes.io/zone",
                                         "kubernetes.io/arch",
                                         "kubernetes.io/hostname",
                                         "kubernetes.io/os",
                                         "node.kubernetes.io/instance-type",
                                         "topology.kubernetes.io/region",
                                         "topology.kubernetes.io/zone"};
constexpr std::string_view kAllowedDomains[] = {"kubelet.kubernetes.io", "node.kubernetes.io"};

bool within(std::string_view domain, std::string_view of) {
  return domain == of || (domain.size() > of.size() && domain.ends_with(of) &&
                          domain[domain.size() - of.size() - 1] == '.');
}

bool may_be_given(std::string_view key) {
  const auto slash = key.find('/');
  if (slash == std::string_view::npos) return true;
  const std::string_view domain = key.substr(0, slash);
  if (!within(domain, "kubernetes.io") && !within(domain, "k8s.io")) return true;
  return std::ranges::find(kAllowed, key) != std::end(kAllowed) ||
         std::ranges::any_of(kAllowedDomains, [&](auto of) { return within(domain, of); });
}

}  // namespace

Result<std::map<std::string, std::string>> parse_node_labels(
    const std::vector<std::string>& words) {
  std::map<std::string, std::string> out;
  std::vector<std::string> refused;
  for (const std::string& word : words) {
    if (word.empty()) continue;
    const auto equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      return fail(Reason::kInvalid, cat("invalid argument ", quoted(join(words, ",")),
                                        " for \"--node-labels\" flag: malformed pair, expect "
                                        "string=string"));
    }
    const std::string key = word.substr(0, equals);
    if (!may_be_given(key)) refused.push_back(key);
    out[key] = word.substr(equals + 1);
  }
  if (refused.empty()) return out;
  std::ranges::sort(refused);
  return fail(Reason::kInvalid,
              cat("unknown 'kubernetes.io' or 'k8s.io' labels specified with --node-labels: [",
                  join(refused, " "),
                  "]\n--node-labels in the 'kubernetes.io' namespace must begin with an allowed "
                  "prefix (",
                  join(kAllowedDomains, ", "), ") or be in the specifically allowed set (",
                  join(kAllowed, ", "), ")"));
}

}  // namespace kpp::kubelet
