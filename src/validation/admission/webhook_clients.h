// Where webhooks are reached: the URL or the service of admission webhooks, conversion webhooks and
// the like.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "validation/field_errors.h"

namespace kpp::validation {

void check_webhook_url(FieldErrors& errors, const FieldPath& at, std::string_view url);
void check_webhook_service(FieldErrors& errors, const FieldPath& at, std::string_view name,
                           std::string_view namespace_, const std::optional<std::string>& path,
                           std::int32_t port);

}  // namespace kpp::validation
