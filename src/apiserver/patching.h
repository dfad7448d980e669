// The four kinds of patch, chosen by content type.
#pragma once

#include "api/schema.h"
#include "apiserver/call.h"
#include "base/status.h"
#include "codec/json.h"

namespace kpp::apiserver {

enum class PatchKind { kJson, kMerge, kStrategic, kApply };

struct Patch {
  PatchKind kind = PatchKind::kMerge;
  json::Value document;
  // Members that stand twice: their paths; of an apply, what the original's reader says of them.
  std::vector<std::string> duplicates;
};

// Members that stand twice in an applied document: refused, or a warning of the call, as its
// fieldValidation says.
Status check_repeated(Call& call, const Patch& patch);
// kUnsupportedMediaType, or kBadRequest for a body that does not parse.
Result<Patch> parse_patch(const Call& call);
// The document after the patch. `current` is the object as served.
Result<json::Value> apply_patch(const Patch& patch, const api::TypeDesc& type,
                                const json::Value& current);
// The error of a patch whose result is no object of the kind: `why` is what decoding said of
// `patched`.
Status invalid_patch_result(const Patch& patch, const json::Value& patched, std::string_view why);

}  // namespace kpp::apiserver
