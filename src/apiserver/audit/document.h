// Bodies of any media type as JSON documents.
#pragma once

#include <string_view>

#include "base/status.h"
#include "codec/json.h"

namespace kpp::apiserver {

// Of a request or an answer; `type` is its Content-Type. Errors: what the codec says.
Result<json::Value> read_document(std::string_view type, std::string_view body);

}  // namespace kpp::apiserver
