// The part of a service's rules that must hold before addresses are allocated for it: the original
// answers these errors alone when it cannot allocate.
#pragma once

#include "api/corev1.h"
#include "validation/field_errors.h"

namespace kpp::validation {

// Type against addresses, families and policy; spec.clusterIPs as set from spec.clusterIP.
FieldErrors service_address_errors(const corev1::Service& service);

}  // namespace kpp::validation
