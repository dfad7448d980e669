// A Status as the client wants it: JSON, YAML or protobuf, or written for eyes.
#pragma once

#include <string>
#include <string_view>

#include "net/http.h"

namespace kpp::apiserver {

// The envelope of application/vnd.kubernetes.protobuf around a Status that is written as JSON.
std::string status_envelope(std::string_view status_json);

// Guarantees: an answer whose whole body is a Status in JSON gets the first media type of an Accept
//   header that is served; where none is it stays JSON. `pretty`: JSON is for eyes. Any other
//   answer is left as it is.
void give_status_its_form(net::Response& response, const std::string& accept, bool pretty);

}  // namespace kpp::apiserver
