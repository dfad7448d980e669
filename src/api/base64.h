// Standard base64 with padding, as []byte stands in JSON.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace kpp::api {

void append_base64(std::string& out, std::string_view bytes);
// Line ends are skipped. Errors: kBadRequest, "illegal base64 data at input byte 3".
Result<std::string> decode_base64(std::string_view text);

}  // namespace kpp::api
