// Server-side apply on documents: an applier says what it wants and nothing else; what it wanted
// before and nobody else owns goes. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "api/apply/managers.h"
#include "api/apply/merge_type.h"
#include "base/status.h"
#include "codec/json.h"

namespace kpp::api {

// A document in some version of its kind.
struct VersionedDocument {
  const MergeType* type = nullptr;
  json::Value document;
};

struct ApplyContext {
  const MergeType& type;
  std::string manager;
  std::string api_version;
  std::string subresource;
  Time time;
  bool force = false;
  ResetFields resets;
  // A document of api_version in another version, and back; nullopt if the kind is not served in
  // it. Unset: there is no other version.
  std::function<std::optional<VersionedDocument>(const json::Value& document, std::string_view from,
                                                 std::string_view to)>
      convert;
};

// Lays `config` (checked) over `live`, which stands without its managed fields, and brings the
// managers up to date. Gives the new document, or nullopt when nothing of it changes but its
// managers. kubectl's own annotation of the last applied document is followed: fields that it names
// belong to manager "kubectl". Errors: kConflict, with a cause for each field that another manager
// owns.
Result<std::optional<json::Value>> apply_document(const json::Value& live,
                                                  const json::Value& config, Managers& managers,
                                                  const ApplyContext& context);

}  // namespace kpp::api
