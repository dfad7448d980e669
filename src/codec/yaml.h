// YAML 1.1 as the API takes and gives it: converted to and from JSON documents (libyaml
// underneath).
#pragma once

#include <string>
#include <string_view>

#include "codec/json.h"

namespace kpp::yaml {

struct ParseOptions {
  // If set, receives a line for each key that stands twice in a mapping ("line 7: key \"a\" already
  // set in map"); the last value wins.
  std::vector<std::string>* duplicates = nullptr;
};

// One document (the first). Errors are kBadRequest with a message as sigs.k8s.io/yaml gives ("error
// converting YAML to JSON: yaml: line 2: mapping values are not allowed in this context"). Anchors
// are resolved, with a limit on expansion.
Result<json::Value> parse(std::string_view text, const ParseOptions& options = {});
// All documents of a stream, empty ones left out.
Result<std::vector<json::Value>> parse_all(std::string_view text);
// Block style, keys sorted, as the API server writes it.
std::string write(const json::Value& value);

}  // namespace kpp::yaml
