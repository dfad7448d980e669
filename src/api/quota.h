// What objects use of resource quotas.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "api/corev1.h"
#include "api/quantity.h"
#include "api/schema.h"

namespace kpp::api {

using QuotaUsage = std::map<std::string, Amount>;

// What an object of this resource uses, by the names that quotas limit.
QuotaUsage quota_usage(const Object& object, std::string_view plural, std::string_view group);

// Whether objects of this resource can use what the name limits.
bool quota_counts(std::string_view name, std::string_view plural, std::string_view group);

// The quota's scopes mean the object.
bool quota_applies(const corev1::ResourceQuota& quota, const Object& object);

}  // namespace kpp::api
