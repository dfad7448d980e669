#include <algorithm>
#include <array>

#include "scheduler/plugins/plugin.h"
#include "scheduler/plugins/pod_claims.h"

namespace kpp::scheduler {

namespace {

constexpr std::array kTopologyLabels{"topology.kubernetes.io/zone", "topology.kubernetes.io/region",
                                     "failure-domain.beta.kubernetes.io/zone",
                                     "failure-domain.beta.kubernetes.io/region"};

// What the volumes' labels ask of a node's: the values are separated by "__".
struct Wanted {
  std::string key;
  std::set<std::string> values;
};

std::set<std::string> split(const std::string& text) {
  std::set<std::string> out;
  std::size_t from = 0;
  while (true) {
    const std::size_t to = text.find("__", from);
    out.insert(text.substr(from, to - from));
    if (to == std::string::npos) return out;
    from = to + 2;
  }
}

class ZoneFilter final : public PodFilter {
 public:
  explicit ZoneFilter(std::vector<Wanted> wanted) : wanted_(std::move(wanted)) {}
  std::unique_ptr<PodFilter> clone() const override { return std::make_unique<ZoneFilter>(*this); }
  Verdict filter(const NodeInfo& info) const override {
    const auto& labels = info.node->metadata.labels;
    const bool has_any = std::any_of(kTopologyLabels.begin(), kTopologyLabels.end(),
                                     [&](const char* key) { return labels.contains(key); });
    if (!has_any) return {};  // a cluster without zones
    for (const auto& wanted : wanted_) {
      const auto label = labels.find(wanted.key);
      if (label == labels.end() || !wanted.values.contains(label->second))
        return Verdict::never("node(s) had no available volume zone");
    }
    return {};
  }

 private:
  std::vector<Wanted> wanted_;
};

class VolumeZone final : public FilterPlugin {
 public:
  std::string_view name() const override { return "VolumeZone"; }
  std::uint32_t bit() const override { return kVolumeZoneBit; }
  Prepared prepare(const PodInfo& pod, const Cache& cache) const override {
    const auto claims = claims_of(*pod.pod, cache.storage());
    if (!claims) return {claims.error().message(), nullptr};
    std::vector<Wanted> wanted;
    for (const auto& claim : *claims) {
      const auto volume = cache.storage().volume(claim->spec.volume_name);
      if (!volume) continue;
      for (const char* key : kTopologyLabels) {
        const auto label = volume->metadata.labels.find(key);
        if (label != volume->metadata.labels.end()) wanted.push_back({key, split(label->second)});
      }
    }
    if (wanted.empty()) return {};
    return {{}, std::make_unique<ZoneFilter>(std::move(wanted))};
  }
};

}  // namespace

std::unique_ptr<FilterPlugin> make_volume_zone() { return std::make_unique<VolumeZone>(); }

}  // namespace kpp::scheduler
