// The field grpc-status-details-bin: bytes as unpadded base64.
#pragma once

#include <string>
#include <string_view>

namespace kpp::net {

std::string encode_details(std::string_view bytes);
// Empty for what is no base64; padding is accepted.
std::string decode_details(std::string_view text);

}  // namespace kpp::net
