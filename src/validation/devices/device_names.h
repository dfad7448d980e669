// Names in the world of devices, and what claims and classes have in common.
#pragma once

#include <span>
#include <string_view>

#include "api/resourcev1.h"
#include "validation/field_errors.h"

namespace kpp::validation {

void check_driver_name(FieldErrors& errors, const FieldPath& at, std::string_view name);
// Names of one or more subdomains, joined by slashes.
void check_pool_name(FieldErrors& errors, const FieldPath& at, std::string_view name);
// "domain/identifier", where the domain may be left out unless `full`.
void check_device_attribute_name(FieldErrors& errors, const FieldPath& at, std::string_view name,
                                 bool full);
void check_device_selectors(FieldErrors& errors, const FieldPath& at,
                            std::span<const resourcev1::DeviceSelector> selectors);
void check_device_configuration(FieldErrors& errors, const FieldPath& at,
                                const resourcev1::DeviceConfiguration& configuration);

}  // namespace kpp::validation
