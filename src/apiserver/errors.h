// The errors that the API answers, in the original's words.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace kpp::apiserver {

// A resource as messages name it: "pods", "deployments.apps".
std::string qualified(std::string_view resource, std::string_view group);

Status not_found(std::string_view group, std::string_view resource, std::string_view name);
Status already_exists(std::string_view group, std::string_view resource, std::string_view name);
Status conflict(std::string_view group, std::string_view resource, std::string_view name,
                std::string_view why);
// The object was changed since the caller read it.
Status modified_conflict(std::string_view group, std::string_view resource, std::string_view name);
Status forbidden(std::string_view group, std::string_view resource, std::string_view name,
                 std::string_view why);
Status unauthorized();
Status bad_request(std::string message);
Status method_not_supported(std::string_view group, std::string_view resource,
                            std::string_view verb);
// No such path under a group that is served.
Status no_such_resource();
Status method_not_allowed();
Status unsupported_media_type();
Status not_acceptable();
Status internal(std::string_view why);
Status too_old_version(std::int64_t asked, std::int64_t oldest);
Status too_large_version(std::int64_t asked, std::int64_t current);
// The time that a request has is over.
Status timed_out();

// metav1.Status as JSON, without a newline.
std::string status_body(const Status& status);
// Success of a deletion: details name what was deleted.
std::string success_body(const StatusDetails& details);

}  // namespace kpp::apiserver
