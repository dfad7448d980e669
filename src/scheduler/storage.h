// Claims, volumes and classes as the scheduler knows them, with promises that are not written yet.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "api/meta.h"
#include "api/storagev1.h"
#include "api/volume_match.h"

namespace kpp::scheduler {

// What is to be written before a pod may be bound: volumes promised to claims, and claims whose
// provisioner is told the node.
struct VolumePlan {
  struct Binding {
    std::string volume;
    api::ObjectKey claim;
  };
  std::vector<Binding> bindings;
  std::vector<api::ObjectKey> provisions;
  // Claims that the pod waits for: those above.
  bool empty() const { return bindings.empty() && provisions.empty(); }
};

// Guarantees: a volume that was promised to a claim is nobody else's until it is forgotten.
// Runs on: its owner's executor.
class Storage {
 public:
  using ClassRef = std::shared_ptr<const storagev1::StorageClass>;
  using NodeLimitsRef = std::shared_ptr<const storagev1::CSINode>;

  // Null takes it away.
  void set_claim(const api::ObjectKey& key, api::ClaimRef claim);
  void set_volume(const std::string& name, api::VolumeRef volume);
  void set_class(const std::string& name, ClassRef storage_class);
  void set_node_limits(const std::string& name, NodeLimitsRef limits);

  api::ClaimRef claim(const api::ObjectKey& key) const;
  api::VolumeRef volume(const std::string& name) const;
  ClassRef storage_class(const std::string& name) const;
  NodeLimitsRef node_limits(const std::string& node) const;
  const std::vector<api::VolumeRef>& volumes_of_class(const std::string& name) const;

  // The volume is promised to another claim.
  bool is_promised_away(const std::string& volume, const api::ObjectKey& claim) const;
  void assume(const VolumePlan& plan);
  void forget(const VolumePlan& plan);

 private:
  std::map<api::ObjectKey, api::ClaimRef> claims_;
  std::map<std::string, api::VolumeRef> volumes_;
  std::map<std::string, std::vector<api::VolumeRef>> by_class_;
  std::map<std::string, ClassRef> classes_;
  std::map<std::string, NodeLimitsRef> limits_;
  std::map<std::string, api::ObjectKey> promised_;
};

}  // namespace kpp::scheduler
