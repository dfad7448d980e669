// Bodies of requests, read in one pass where nothing about them wants a report.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/schema.h"

namespace kpp::api {

struct JsonBody {
  std::string kind, api_version;         // as the body names them, empty if it does not
  std::vector<std::string> empty_lists;  // dotted paths of lists that stand as [], outside of lists
};

// Fills `out`, a fresh object of a root type, from text without a document between.
// nullopt if anything about the text wants words: wrong JSON, wrong types, members that the schema
// does not know or that stand twice. `out` is then half filled; the caller reads the text as a
// document, which finds the words.
// Raw JSON values (runtime.RawExtension) keep the spaces that the text has in them, as the
// original keeps their bytes.
std::optional<JsonBody> read_json_body(std::string_view text, const TypeDesc& desc, void* out);

}  // namespace kpp::api
