// Who owns whom, as far as the informers have told.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "api/meta.h"
#include "client/informer.h"

namespace kpp::controllers {

inline constexpr const char* kForegroundFinalizer = "foregroundDeletion";
inline constexpr const char* kOrphanFinalizer = "orphan";

bool has_finalizer(const metav1::ObjectMeta& meta, std::string_view finalizer);

// Objects by uid, with edges from owners to dependents; an owner may be unknown. Runs on: one
// thread.
class OwnerGraph {
 public:
  struct Node {
    const api::TypeDesc* type;
    client::InformerBase::Ref object;

    const metav1::ObjectMeta& meta() const { return *api::metadata(*type, object->data()); }
  };

  // An addition or update.
  void set(const api::TypeDesc& type, client::InformerBase::Ref object);
  void remove(const std::string& uid);
  const Node* find(const std::string& uid) const;
  std::vector<std::string> dependents(const std::string& owner_uid) const;
  // Dependents that hold up the foreground deletion of their owner.
  std::vector<std::string> blocking_dependents(const std::string& owner_uid) const;

 private:
  void unlink(const std::string& uid, const metav1::ObjectMeta& meta);

  std::map<std::string, Node> nodes_;
  std::map<std::string, std::set<std::string>> dependents_;
};

}  // namespace kpp::controllers
