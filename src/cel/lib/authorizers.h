// Who may do what, asked by an expression.
#pragma once

#include <memory>
#include <string>

#include "cel/value.h"

namespace kpp::cel {

// One question. Without a path it is about a resource.
struct AccessQuestion {
  std::string service_account_namespace, service_account_name;  // empty: the request's user
  bool is_path = false;
  std::string path, group, resource, subresource, namespace_, name, field_selector, label_selector,
      verb;
};

struct AccessAnswer {
  bool allowed = false;
  std::string reason, error;
};

// Answers questions; what it needs outlives it.
class AccessOracle {
 public:
  virtual ~AccessOracle() = default;
  virtual AccessAnswer ask(const AccessQuestion& question) const = 0;
};

TypeRef authorizer_type();
TypeRef resource_check_type();
// The variable authorizer.
Value authorizer_value(std::shared_ptr<const AccessOracle> oracle);
// The variable authorizer.requestResource.
Value resource_check_value(std::shared_ptr<const AccessOracle> oracle, AccessQuestion about);

}  // namespace kpp::cel
