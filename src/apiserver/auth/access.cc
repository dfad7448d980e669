#include "apiserver/auth/access.h"

#include "base/cat.h"

namespace kpp::apiserver {

const std::string* AccessRequest::required(std::string_view field) const {
  for (const auto& [has, value] : field_values) {
    if (has == field) return &value;
  }
  return nullptr;
}

std::string forbidden_message(const User& user, const AccessRequest& request) {
  if (!request.is_resource) {
    return cat("User ", quoted(user.name), " cannot ", request.verb, " path ",
               quoted(request.path));
  }
  const std::string resource = request.subresource.empty()
                                   ? request.resource
                                   : cat(request.resource, "/", request.subresource);
  return cat("User ", quoted(user.name), " cannot ", request.verb, " resource ", quoted(resource),
             " in API group ", quoted(request.group),
             request.namespace_.empty() ? std::string(" at the cluster scope")
                                        : cat(" in the namespace ", quoted(request.namespace_)));
}

}  // namespace kpp::apiserver
