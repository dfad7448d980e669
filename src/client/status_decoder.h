// Reads the error of an answer: metav1.Status as kpp::Status.
#pragma once

#include <string_view>

#include "base/status.h"
#include "codec/json.h"

namespace kpp::client {

// The reason for an HTTP code alone, as the original's client maps answers without a Status body.
Reason reason_for_code(int http_code);
Status status_from_document(const json::Value& document, int http_code);
// A body that is no Status becomes an error of the code's reason with the body as its message.
Status decode_status(int http_code, std::string_view body);

}  // namespace kpp::client
