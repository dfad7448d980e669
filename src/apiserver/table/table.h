// Server-side Tables: what `kubectl get` shows, computed from typed objects.
#pragma once

#include <span>
#include <string>

#include "api/schema.h"
#include "base/clock.h"

namespace kpp::apiserver {

struct TableRow {
  std::string cells;       // JSON array
  std::string conditions;  // JSON array, or empty: none (a pod that is finished carries
                           // {"type":"Completed",...})
};

// The columns of a kind, as JSON array of columnDefinitions with their descriptions; Name and
// Created At where the kind has none of its own.
const std::string& table_columns(const api::TypeDesc& type);
TableRow table_row(const api::Object& object, WallTime now);

}  // namespace kpp::apiserver
