// Admission: what the API server itself changes or refuses about a write, beyond the kind's own
// validation.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/schema.h"
#include "apiserver/auth/user.h"
#include "apiserver/resources.h"
#include "async/task.h"
#include "base/clock.h"
#include "base/status.h"

namespace kpp::apiserver {

class WatchCache;
class ResourceTable;
class Authorizer;
class PolicyPrograms;
class AuditTrail;
struct Plugin;

enum class Operation { kCreate, kUpdate, kDelete, kConnect };

struct AdmissionRequest {
  Operation operation = Operation::kCreate;
  const ServedResource* resource = nullptr;
  std::string subresource;
  std::string namespace_, name;
  const User* user = nullptr;
  const api::Object* old_object = nullptr;  // update and delete
  bool dry_run = false;
  WallTime now;
  std::vector<std::string>* warnings = nullptr;
  AuditTrail* audit = nullptr;  // of the request; nullptr: there is none
};

// The plugins in the order of the original: NamespaceLifecycle, ServiceAccount,
// TaintNodesByCondition, Priority, DefaultTolerationSeconds, DefaultStorageClass,
// StorageObjectInUseProtection, RuntimeClass, DefaultIngressClass, LimitRanger, ..., ResourceQuota:
// a file each; plugins.cc lists them,
// plugin_selection those that run. Runs on: the server's executor; reads other objects from the
// watch cache.
class Admission {
 public:
  // The authorizer, which must outlive it, says who may grant which rights; nullptr: grants are not
  // looked at.
  Admission(WatchCache& cache, const ResourceTable& table, std::vector<Plugin> plugins,
            const Authorizer* authorizer = nullptr);
  ~Admission();
  // May change the object; an error refuses the request (usually kForbidden).
  Status mutate(api::Object& object, const AdmissionRequest& request) const;
  // After validation.
  Status validate(const api::Object& object, const AdmissionRequest& request) const;
  Status validate_delete(const AdmissionRequest& request) const;

 private:
  WatchCache& cache_;
  const ResourceTable& table_;
  const std::vector<Plugin> plugins_;
  const Authorizer* authorizer_;
  const bool mutating_policies_;
  std::unique_ptr<PolicyPrograms> policies_;
};

}  // namespace kpp::apiserver
