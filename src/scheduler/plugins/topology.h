// Counts by topology: how many pods of a kind stand where a node's label has a value.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "api/corev1.h"

namespace kpp::scheduler {

// The node's value of a label; nullptr: it has none.
inline const std::string* topology_value(const corev1::Node& node, const std::string& key) {
  const auto found = node.metadata.labels.find(key);
  return found == node.metadata.labels.end() ? nullptr : &found->second;
}

// Guarantees: a count of 0 is not kept, so empty() says whether anything counts.
class TopologyCounts {
 public:
  void add(const corev1::Node& node, const std::string& key, std::int64_t by) {
    const std::string* value = topology_value(node, key);
    if (value == nullptr) return;
    auto& count = counts_[{key, *value}];
    count += by;
    if (count == 0) counts_.erase({key, *value});
  }
  std::int64_t at(const corev1::Node& node, const std::string& key) const {
    const std::string* value = topology_value(node, key);
    if (value == nullptr) return 0;
    const auto found = counts_.find({key, *value});
    return found == counts_.end() ? 0 : found->second;
  }
  bool empty() const { return counts_.empty(); }
  // Of (key, value).
  const std::map<std::pair<std::string, std::string>, std::int64_t>& all() const { return counts_; }

 private:
  std::map<std::pair<std::string, std::string>, std::int64_t> counts_;
};

}  // namespace kpp::scheduler
